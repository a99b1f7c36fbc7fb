"""Forgetting curves: policies any store can take.

A curve says how likely a memory is to be remembered, or needed, at a time, from when it was written and
how it was used::

    from agentmem import decay

    curve = decay.by_name("power", strength=3.0)
    life = decay.History.from_events(memory.at, events)
    curve.retention(life, at)                     # in [0, 1]
    decay.evict({id: retention, ...}, capacity)   # who leaves when there is no room, and why

=====================  ==================================================================  ==============
name                   what it is                                                          source
=====================  ==================================================================  ==============
``constant``           no forgetting
``memorybank``         R = e^(-t/S), S + 1 on recall                                       Zhong 2023
``exponential``        R = e^(-t/S), S by factors on success and failure                   Ebbinghaus 1885
``power``              R = (1 + t/S)^(-power), S likewise                                  Wickelgren 1974
``actr``               logistic of B = ln Σ t_j^(-d), exact or in Petrov's form            Anderson 1998
``fsrs6``              stability and difficulty, 21 weights                                Anki's FSRS-6
``generative-agents``  0.995^hours; score of recency, importance and relevance             Park 2023
``logistic``           twelve features of the history, fitted: the best measured here
=====================  ==================================================================  ==============

Curves are values: stateless, deterministic, with time as an argument. Retention falls while a memory is
not used, rises when it helped, and never rises when it was wrong; being merely retrieved counts less than
having helped (except where a paper has it otherwise, as MemoryBank and Generative Agents do).

Retention ranks and retires; it does not supersede: what is outdated is told by validity, not by a curve.
``python -m agentmem.evals.forgetting`` compares the curves on real reviews; :func:`fit` fits one to yours.
"""

from agentmem.decay.actr import ActR, Trace
from agentmem.decay.base import Curve, by_name, from_dict, names, register
from agentmem.decay.eviction import Eviction, Standing, evict
from agentmem.decay.fitting import FITTABLE, Observations, fit, log_loss, observations
from agentmem.decay.fsrs import FSRS6
from agentmem.decay.generative import GenerativeAgents
from agentmem.decay.history import GRADES, Histories, History, Use
from agentmem.decay.logistic import Logistic
from agentmem.decay.plotting import plot_curve
from agentmem.decay.recursive import RETRIEVED
from agentmem.decay.simple import Constant, Exponential, MemoryBank, PowerLaw

__all__ = [
    "FITTABLE",
    "FSRS6",
    "GRADES",
    "RETRIEVED",
    "ActR",
    "Constant",
    "Curve",
    "Eviction",
    "Exponential",
    "GenerativeAgents",
    "Histories",
    "History",
    "Logistic",
    "MemoryBank",
    "Observations",
    "PowerLaw",
    "Standing",
    "Trace",
    "Use",
    "by_name",
    "evict",
    "fit",
    "from_dict",
    "log_loss",
    "names",
    "observations",
    "plot_curve",
    "register",
]
