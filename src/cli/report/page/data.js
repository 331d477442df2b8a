// The plans as they are drawn: what the file's data say, brought together by step, group and layer.

const DATA = JSON.parse(document.getElementById("data").textContent);

const TRAFFIC = ["activations read", "activations written", "weights read", "weight gradients"];
if (DATA.networks.some((network) => network.plan.traffic_bytes.optimizer)) {
    TRAFFIC[3] = "weight gradients and updates";
}
const CONTENTS = ["activations", "gradients", "parameters of a streamed step", "pinned parameters"];
const FORWARD = "forward";

function makeSteps(network) {
    const plan = network.plan;
    const streamed = new Set(plan.streamed);
    const passes = new Set(plan.in_passes);
    return plan.steps.map((step, i) => {
        const [read, write, weight, gradient, time, compute, dram, energy] = network.steps[i];
        return {
            index: i, name: step.name, kind: step.kind, phase: step.phase, layer: network.layers[i],
            mode: streamed.has(i) ? "streamed" : passes.has(i) ? "in passes" : "staged",
            traffic: [read, write, weight, gradient], total: read + write + weight + gradient,
            time, compute, dram, energy,
            content: [0, 0, 0, 0], // bytes in the buffer, by what they are
        };
   });
}

// Whose bytes a range of the buffer holds, as a place in CONTENTS.
function contentOf(network, content, of) {
    if (content === 2 || content === 3) {
        return content;
    }
    const producer = network.producers.get(of);
    return producer !== undefined && network.plan.steps[producer].phase !== FORWARD ? 1 : 0;
}

function makeRanges(network, steps) {
    return network.ranges.map(([content, first, last, offset, size, of]) => {
        const kind = contentOf(network, content, of);
        for (let k = first; k <= last; k++) {
            steps[k].content[kind] += size;
        }
        const name = content >= 2 ? network.plan.steps[of].name : network.plan.tensors[of].name;
        return {kind, first, last, offset, size, name, ring: content === 1};
   });
}

function makeGroups(network, steps) {
    return network.plan.groups.map((group, i) => {
        const own = steps.slice(group.first, group.last + 1);
        own.forEach((step) => {
            step.group = i;
       });
        const tight = own.reduce((most, step) => (held(step) > held(most) ? step : most));
        const crosses = own[0].phase !== own[own.length - 1].phase;
        return {
            index: i, first: group.first, last: group.last, steps: own,
            iterations: group.iterations, subBatch: group.sub_batch, strips: group.strips || 1,
            passes: group.passes, peak: group.peak_bytes, tight,
            phase: crosses ? "forward and backward" : own[0].phase,
            traffic: TRAFFIC.map((_, c) => sum(own, (step) => step.traffic[c])),
            total: sum(own, (step) => step.total), time: group.time_s, energy: group.energy_j,
            compute: sum(own, (step) => step.compute), dram: sum(own, (step) => step.dram),
        };
   });
}

function makeLayers(steps) {
    const layers = new Map();
    for (const step of steps) {
        if (!layers.has(step.layer)) {
            layers.set(step.layer, {name: step.layer, traffic: [0, 0, 0, 0], total: 0, time: 0, steps: []});
        }
        const layer = layers.get(step.layer);
        step.traffic.forEach((moved, c) => {
            layer.traffic[c] += moved;
       });
        layer.total += step.total;
        layer.time += step.time;
        layer.steps.push(step);
    }
    return [...layers.values()];
}

// The bytes that are in the buffer at a step.
function held(step) {
    return sum(step.content, (part) => part);
}

function makeModel(network, index) {
    const plan = network.plan;
    network.producers = new Map();
    plan.steps.forEach((step, i) => step.writes.forEach((tensor) => network.producers.set(tensor, i)));
    const steps = makeSteps(network);
    const ranges = makeRanges(network, steps);
    const backward = steps.findIndex((step) => step.phase !== FORWARD);
    return {
        name: plan.network, index, plan, steps, ranges,
        contents: CONTENTS.map((_, c) => c).filter((c) => ranges.some((range) => range.kind === c)),
        groups: makeGroups(network, steps), layers: makeLayers(steps),
        forward: backward < 0 ? steps.length : backward,
        buffer: plan.buffer_bytes, capacity: plan.buffer_bytes - (plan.reserved_bytes || 0),
        why: network.explanation, front: network.front.plans, frontBaseline: network.front.baseline,
        replaced: network.replaced_batch_norms, placing: network.placing.split("\n").filter((line) => line),
        rows: DATA.comparison.networks[index].plans,
        baseline: DATA.comparison.networks[index].plans.find((row) => row.planner === "baseline"),
        sweep: DATA.sweep.filter((row) => row.network === plan.network),
    };
}

// Where a sub-batch stands between one sample, 1, and the whole mini-batch, 0.
function fineness(model, group) {
    const most = Math.log2(model.plan.batch);
    return most > 0 ? 1 - Math.log2(group.subBatch) / most : 1;
}

// "1/14" of a sample, or so many samples.
function portion(group) {
    return group.strips > 1 ? "1/" + group.strips : String(group.subBatch);
}

function portionWords(group) {
    return group.strips > 1 ? "1/" + group.strips + " of a sample" : count(group.subBatch, "sample");
}

// What a group's steps are called from first to last.
function spanOf(group, most) {
    const first = shorten(group.steps[0].name, most);
    const last = shorten(group.steps[group.steps.length - 1].name, most);
    return group.steps.length === 1 ? first : first + " … " + last;
}

function boundBy(part) {
    return part.compute >= part.dram ? "computation" : "DRAM";
}
