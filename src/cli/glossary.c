#include "glossary.h"

const glossary_entry glossary[] = {
    {"sub-batch",
     "the samples of a mini-batch that go through a group of layers at a time; 1/14: a "
     "14th of one sample's rows (strips)"},
    {"group",
     "adjacent steps that hand their data on in the buffer; what leaves a group goes to DRAM"},
    {"step", "what a layer does in one phase: LAYER forward; LAYER.wgrad, .dgrad, .bwd backward"},
    {"wgrad", "the backward step that computes the gradient of a layer's weights"},
    {"dgrad", "the backward step that computes the gradient of a layer's inputs"},
    {"bwd", "the backward step of any other layer"},
    {"phase", "fwd: forward, bwd: backward, both: a group with steps of both"},
    {"iter.",
     "iterations: how often a group runs, for all sub-batches (or strips) of the mini-batch"},
    {"footprint",
     "the bytes that a step needs in the buffer for a sub-batch: what it reads and writes, "
     "and what later steps of its group still need"},
    {"peak", "the largest footprint of a group's steps, with what is pinned"},
    {"staged", "a step whose operands are in the buffer for a whole sub-batch at a time"},
    {"streamed", "a step whose operands only pass through the buffer, which must hold its weights "
                 "whole"},
    {"passes",
     "of a step that fits in no other way: alone in its group it needs no room, and reads "
     "each operand so many times"},
    {"pinned",
     "parameters that stay in the buffer between a group's iterations, and are read once"},
    {"stashed", "written to DRAM in the forward phase, to be read back in the backward phase"},
    {"strips",
     "strips of a sample's rows, which go through a group one after the other where whole "
     "samples do not fit"},
    {"T", "the number of strips into which each sample of a group is cut"},
    {"knee",
     "of figures over buffers: the buffer farthest below the straight line from the smallest to "
     "the largest, on a logarithmic scale"},
    {"read, write",
     "activations, their gradients and masks that DRAM gives and takes; without weights"},
    {"by", "what most of a group's time goes to: comp(utation), or DRAM"},
    {"dp", "the planner that finds the best of all groupings (dynamic programming)"},
    {"ilp",
     "the planner that also chooses what of a group stays in the buffer (integer programming), "
     "with a proven bound"},
    {"mbs1, mbs2",
     "the paper's greedy planners; mbs2 keeps all data inside a group, across branches"},
    {"baseline",
     "layer by layer, the whole mini-batch at a time, as training is done without mbsopt"},
    {"order", "of steps: the network's own, or given one, or another that was searched for; order "
              "-1.8 %: so much less traffic than in the given order"},
    {"util.", "utilisation: the multiply-accumulates done, of those that the array could do in "
              "the time that its products take"},
};
const size_t glossary_count = sizeof glossary / sizeof glossary[0];
