"""Plans the DRAM traffic of CNN training (mini-batch serialization), by way of libmbsopt.

    import mbsopt
    plan = mbsopt.plan("resnet50", buffer="10MiB")
    print(plan.traffic.total, [(g.first_step, g.sub_batch) for g in plan.groups])
    mbsopt.sweep("resnet50", buffer=["1MiB", "10MiB"], planner=["mbs2", "dp"]).rows  # pandas takes them

The shared library is the one that the environment variable MBSOPT_LIBRARY names, else the one beside the module, in its
prefix, or where the system looks. Everything returned is plain data, which stays valid whatever is done with the library.
Calls may be made from several threads at once.
"""

from ._export import export, export_model, formats, simulate
from ._plan import load, plan, verify, version
from ._show import show
from ._sweep import compare, sweep
from ._tradeoff import tradeoff
from ._types import (Chip, Comparison, DramPeak, Error, Group, Layer, Machine, Member, Network, Plan, Simulation, Sweep,
                     Tradeoff, Traffic)

__all__ = ["Chip", "Comparison", "DramPeak", "Error", "Group", "Layer", "Machine", "Member", "Network", "Plan",
           "Simulation", "Sweep", "Tradeoff", "Traffic", "compare", "export", "export_model", "formats", "load", "plan",
           "show", "simulate", "sweep", "tradeoff", "verify", "version"]
