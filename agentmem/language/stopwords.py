"""Words that say nothing about what a text is about.

:data:`STOP` are English function words, left out of index and question alike. :data:`SCAFFOLDING` are
words that belong to the asking ("Did Ada ever mention how many …"), left out of a question only: in a
turn they may be content.
"""

from __future__ import annotations


def _set(text: str) -> frozenset[str]:
    return frozenset(text.split())


STOP = _set(
    """
    a an the this that these those such
    i me my mine myself we us our ours ourselves you your yours yourself yourselves yall
    he him his himself she her hers herself it its itself they them their theirs themselves
    one who whom whose which what when where why how
    whoever whatever whichever whenever wherever however
    am is are was were be been being isnt arent wasnt werent aint
    do does did done doing dont doesnt didnt
    have has had having havent hasnt hadnt
    can could will would shall should may might must ought
    cant couldnt wont wouldnt shouldnt cannot gonna wanna gotta
    im ive youre youve theyre theyve weve thats whats lets theres heres
    and or but nor so yet if then else than because as until while although though unless since whether
    of at by for with about against between into through during before after above below to from
    up down in out on off over under upon within without onto toward towards among via per
    not no nor only own same too very just also again further once here there now
    all any both each few more most other some every either neither another
    s t ll ve etc ok okay oh hey hi hello ah um uh hmm yeah yes yep nope wow haha lol
    pm eg ie vs
    get got gets getting go goes going let lets
    really quite much many lot lots even still ever
    something anything nothing everything someone anyone everyone
    thing things
    """
)

SCAFFOLDING = _set(
    """
    mention mentions mentioned mentioning tell tells told telling say says said saying
    talk talks talked talking discuss discussed discussing discussion
    describe described describes explain explained
    remember remind reminded recall according conversation conversations chat chats
    ask asked asking question answer answers respond
    know known please give given list provide summarize summarise
    kind kinds sort sorts type types way ways
    number total amount often long
    based previous previously earlier
    happen happened happens
    do did does done many much
    long exactly specific specifically current currently
    """
)
