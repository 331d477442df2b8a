"""Updates of weights as a plan's steps make them, and PyTorch's own, from the same state."""

from training_check.layers import Mismatch

RATE = 0.05
MOMENTUM = 0.9
BETAS, EPSILON, STEPS_BEFORE = (0.9, 0.999), 1e-8, 4
STATE = {"sgd": (), "momentum": ("momentum_buffer",), "adam": ("exp_avg", "exp_avg_sq")}


class Optimizer:
    """What a training step begins with: some state of each parameter, as if steps had been made before."""

    def __init__(self, torch, kind, parameters):
        self.torch, self.kind = torch, kind
        # in a fixed order, and not that of the gradients' making; the mean of squares is positive
        self.state = {id(p): [torch.rand_like(p) * 0.1 for _ in STATE[kind]]
                      for own in parameters.values() for p in own}

    def updated(self, parameter, gradient):
        """The parameter and its state after the step."""
        p, state = parameter.detach(), self.state[id(parameter)]
        if self.kind == "sgd":
            return p - RATE * gradient, []
        if self.kind == "momentum":
            velocity = MOMENTUM * state[0] + gradient
            return p - RATE * velocity, [velocity]
        mean = BETAS[0] * state[0] + (1 - BETAS[0]) * gradient
        square = BETAS[1] * state[1] + (1 - BETAS[1]) * gradient ** 2
        bias = [1 - beta ** (STEPS_BEFORE + 1) for beta in BETAS]
        return p - RATE * (mean / bias[0]) / ((square / bias[1]).sqrt() + EPSILON), [mean, square]

    def expected(self, parameters):
        """By name, all parameters and then their state, after a step of PyTorch's with the gradients that they have."""
        each = list({id(p): p for own in parameters.values() for p in own}.values())
        values = [p.detach().clone() for p in each]
        if self.kind == "adam":
            optimizer = self.torch.optim.Adam(each, lr=RATE, betas=BETAS, eps=EPSILON)
        else:
            optimizer = self.torch.optim.SGD(each, lr=RATE, momentum=MOMENTUM if self.kind == "momentum" else 0)
        for p in each:
            optimizer.state[p] = {name: s.clone() for name, s in zip(STATE[self.kind], self.state[id(p)])}
            if self.kind == "adam":
                optimizer.state[p]["step"] = self.torch.tensor(float(STEPS_BEFORE))
        optimizer.step()
        found = {name: [p.detach().clone() for p in own] +
                 [optimizer.state[p][s] for p in own for s in STATE[self.kind]] for name, own in parameters.items()}
        with self.torch.no_grad():
            for p, value in zip(each, values):  # the plan begins where PyTorch did
                p.copy_(value)
        return found


class Updates:
    """What the update steps of a plan have made, in the order in which they run: each layer's parameters once."""

    def __init__(self, optimizer, reference):
        self.optimizer, self.reference = optimizer, reference
        self.owners = {name: name if "shares" not in layer else layer["shares"]
                       for name, layer in reference.layers.items()}
        self.made = {}

    def run(self, layer, gradients):
        owner = self.owners[layer]
        if owner in self.made:
            raise Mismatch(f"{owner} is updated twice")
        parts = [self.optimizer.updated(p, g) for p, g in zip(self.reference.parameters[owner], gradients)]
        self.made[owner] = [value for value, _ in parts] + [s for _, state in parts for s in state]

    def must_be_open(self, layer, step):
        """A gradient that an update has taken is complete: nothing may be added to it."""
        if step["accumulator_bytes"] > 0 and self.owners[layer] in self.made:
            raise Mismatch(f"{step['name']} adds to a gradient that was taken")

    def by_layer(self):
        missing = {self.owners[n] for n, own in self.reference.parameters.items() if own} - self.made.keys()
        if missing:
            raise Mismatch(f"{sorted(missing)} are not updated")
        return {name: self.made[self.owners[name]] for name, own in self.reference.parameters.items() if own}
