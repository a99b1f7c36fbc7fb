"""What English relation wordings mean: a small thesaurus of the relations people state of one another.

"passed away in", "died in" and "met her end in" belong to one sense, "grew up in" to another. The list is
general English, written from what biographies, encyclopaedias and people talking about themselves say of
persons, works, organisations, places and daily life; it knows no data set. What it does not know is left
to the similarity of the wordings.
"""

from __future__ import annotations

import re
import threading
from functools import lru_cache

import Stemmer

SENSES = """
birth: hails from, born, birth, birthplace, birthday, came into world, native of, first saw light,
    delivered in
death: died, dead, death, passed away, deceased, lost life, breathed last, met end, perished, killed,
    succumbed, passed on, expired, drowned
burial: buried, grave, laid to rest, tomb, interred, ashes
upbringing: grew up, raised in, brought up, childhood, spent youth, upbringing, reared
residence: live in, lives in, living in, lived in, reside, home in, home is, at home in, settled, moved
    to, moved into, relocated, residence, based in, dwell, inhabit, resident of, apartment in, flat in,
    house in, call home, base, moved house, place in, rent in, staying in, address
live_with: live with, lives with, living with, moved in with, share flat with, roommate, flatmate,
    housemate, share house with, shares apartment with
visit+: visited, trip to, travelled to, traveled to, holiday in, vacation in, toured, stopped over in,
    passed through, flew to, went to see
employer: first day at, new job, quit job, lost job, left job, resigned, laid off, work for, works for,
    working for, work at,
    works at, working at, employed, employer, joined,
    staff of, hired, payroll, job at, job with, position at, works in, working in, employee, colleague at,
    serves at, started at, new employer, signed on with, firm i work
occupation: works as, working as, work as, job as, started as, profession, occupation, career, by trade,
    earns living, makes living, employed as, job, job title, vocation, promoted to, role is, line of work,
    living as,
    retrained as, day job, trained as, qualified as
study_place: studied at, attend, attended, educated, graduate of, graduated from, alma mater, enrolled at,
    student at, degree from, university, school, college, went to college, went to school, goes to school
study_subject: studied, study, studying, major, majoring, degree in, course in, reads, specialises in,
    specializes in, subject
field: expertise, area of expertise, speciality, specialty, field, research, researcher in, specialist in,
    expert in, discipline, area of work, works on,
    working on
spouse: divorced, divorce, separated, widowed, married, marry, wed, wife, husband, spouse, tied knot,
    marriage, exchanged vows, said i do, walked
    down aisle, bride, groom, newlywed
partner: broke up, split up, dating, partner, boyfriend, girlfriend, going out with, seeing, engaged to,
    in relationship,
    together with, couple, fiance, fiancee
parent+: father, mother, parent, dad, mum, mom
child+: child, children, son, daughter, kid, gave birth, fathered, offspring, heir
sibling+: brother, sister, sibling, twin
friend+: friend, buddy, pal, mate
boss: boss, managed by, report to, reports to, line manager, supervisor, manage me, manager, answers to
leader_state: president, king, queen, monarch, head of state, emperor, sovereign, throne, reign, reigns,
    ruled by
leader_government: prime minister, head of government, premier, chancellor, government led by, governed
    by, cabinet, heads government, leads government
mayor: mayor, city hall
chief: managed by, manages, chief executive, ceo, runs, run by, at helm, in charge, heads, headed by, led
    by, leads, boss of, chief executive officer, managing director, helm
chair: chairman, chairwoman, chairperson, chair, chaired, presides
founder: founded, founder, founding, established, set up, started by, brainchild, cofounded
owner: owner, owned, owns, belongs, belong, property of, subsidiary, parent company, bought, buy,
    acquired, acquire, purchased, takeover, in hands of, own, possession
coach: coach, coached, managed by, manages, trainer, trains, in dugout, head coach
captain: captain, skipper, captained, armband
team: plays for, play for, playing for, team, club, squad, signed for, signed with, transferred to, turns
    out for, wears shirt, teammate
position: position, plays as, play as, midfielder, goalkeeper, striker, defender, forward
sport: sport, plays, athlete, player
instrument+: instrument, plays, play, playing, learning, practise, practice
league: league, division, competes in, conference
citizenship: citizen, citizenship, nationality, passport, naturalised, naturalized, national of, subject
    of
origin: originated, origin, originates, comes from, came from, created in, hails from, cradle, dates back,
    homeland, invented in, arose in, started in, emerged in, roots
religion: religion, faith, converted, church, believer, affiliated with religion, creed, follower,
    worship, practising, practicing, baptised, confession, devout
party: party, politician, affiliated, defected, joined party, membership, ran for
language_speak+: speak, speaks, fluent, language i speak, language she speaks, language he speaks
language_work: written in, language of, language is, in language, wrote in, composed in, original
    language, text is in, filmed in, working language
language_official: official language, official tongue, state language, national language
mother_tongue: mother tongue, native language, first language, native tongue
author: author, wrote, written by, writer, penned, novel by, book by, pen of, from pen, playwright
creator: created, creator, invented, inventor, conceived, thought up, came up with, dreamed up,
    brainchild, devised, designed, designer, architect, father of
director: directed, director, film by, helmed, filmmaker, behind camera
producer: produced, producer, production
composer: composed, composer, music by, score, music of, tune
performer: performed, sung, sang, singer, recorded by, song by, performer, vocals, voice of, hit for,
    interpreted by
actor+: starring, stars, starred, played by, portrayed, cast, title role, lead role, actor
character+: character, appears in, protagonist, hero of, figure in
translator: translated, translation, translator
editor: edited, editor
developer: developed, developer, develops, studio behind, software by, programmed
manufacturer: manufactured, manufacturer, made by, makes, built by, builds, produced by, assembled,
    factory, maker
publisher: published, publisher, publishing house, imprint, brought out
distributor: distributed, distributor
broadcaster: aired, airs, broadcast, channel, network, premiered on, shown on, televised, screens on, runs
    on, can be seen on, streams on
label: record label, label, signed to, records for
genre: genre, kind of music, style, category, classified as, counted as, brand of music, falls under,
    considered
famous+: famous for, known for, renowned, best known, noted for, fame, celebrated for, made name,
    reputation
award+: award, prize, medal, won, honour, honor, received, trophy
location-: located, lies in, situated, stands in, found in, lies on, site, sits in, location, place in
capital: capital, seat of government, governed from
continent: continent, part of
country: country, belongs to country, state, nation
headquarters: headquarters, headquartered, head office, main office, based in, seat, hq, home base, head
    offices, offices
branch+: branch, office in, outlet, plant in, store in
population: population, inhabitants, people live, residents, home to
currency: currency, money, pay with, paid in, legal tender, coin
size: height, tall, long, length, wide, area, weighs, weight, heavy, size, measures, weigh, metres,
    meters, kilos, pounds, square
number-: number, count, counts, how many, total
price: price, cost, costs, fee, rent is, pay, charge, salary, earn, earns, wage, income, paid, per month,
    monthly, a month
date-: date, scheduled, take place, takes place, set for, due, deadline, starts on, begins on, held on,
    fixed for, postponed, rescheduled, brought forward, pushed back
release: released, release, came out, launched, launch, hit shelves, in cinemas, unveiled, premiered
start_date: founded in, established in, dates from, opened, opening
phone: phone, mobile, smartphone, cellphone, iphone, handset
contact: phone number, number is, email, reach me, contact, mail address
car: car, drive, drives, driving, vehicle, behind wheel, wheels
commute: commute, get to work, go to work, ride to work, cycle to work, bus to work, take train, by bike
computer: laptop, computer, notebook, machine, workstation
software: editor, program in, code in, coding in, write code, app, programming language, operating system,
    browser, stack
pet+: pet, dog, cat, puppy, kitten, rabbit, hamster, adopted
diet: diet, vegetarian, vegan, eat, eats, eating, stopped eating, pescatarian, meat, gluten
allergy+: allergic, allergy, allergies, intolerant, react to, hives
drink: drink, drinks, drinking, sip, coffee, tea, order
favourite: favourite, favorite, like best, love most, like most, prefer, preferred, beloved, nothing
    beats, number one, top pick, fond of, enjoy most, go-to
like+: like, love, enjoy, adore, keen on, fan of, crazy about
dislike+: hate, dislike, cannot stand, loathe, avoid
hobby+: hobby, hobbies, free time, spare time, pastime, weekends, leisure, to unwind, to relax, take up,
    took up
exercise: gym, work out, exercise, run, running, jog, swim, yoga, training, workout, lift
reading: reading, read, book, novel, halfway through, in middle of
watching: watching, watch, series, show, binge, season
playing: game, playing, gaming, console
learning+: learning, learn, lessons, practising, course, class
medication+: medication, medicine, take, prescribed, dose, pill, tablet, on mg, drug
doctor: doctor, physician, gp, dentist, therapist, see, treated by, patient of
sleep: bed, sleep, asleep, lights out, go to bed, turn in
wake: wake, get up, alarm, rise, up at, out of bed
meal: breakfast, lunch, dinner, supper
bank: bank, account, banking, savings
plan_phone: provider, carrier, contract with, internet from, insured, insurance, insurer, subscription,
    subscribe
name-: name, named, called, goes by, known as, nickname, renamed, call, title
age: age, aged, turned, years old, birthday
goal: goal, aim, target, want to, saving for, saving up, hoping, objective
project: project, working on, building, assigned to, task
travel_plan: holiday, trip, vacation, flying to, going to, booked, travel
deputy: vice president, vice chairman, vice chair, vice captain, deputy, assistant coach, assistant
    manager, second in command, understudy, vice chancellor
minister: minister of, finance minister, foreign minister, defence minister, defense minister, secretary
    of state, treasurer, secretary of, spokesman of, governor of
diplomat: ambassador, consul, envoy
board: on board of, board member, sits on board, advisor to, adviser to, advises, consultant
opposition: opposition, leads opposition, leader of opposition
property+: own house, owns house, owns flat, own flat, rental flat, rental property, holiday home, summer
    house, second home, weekend house, cottage in, land in
internship: interned, intern, internship, apprentice, apprenticeship, volunteer, volunteered, volunteers,
    freelance, freelanced, consulted for
teaching: teaches, teach, taught, professor, lecturer, lectures, lecture, dean of, tutor, tutoring,
    mentor, mentoring
leaving: deported from, expelled from, exiled, fled, emigrated from, banned from
funding: funded, financed, sponsored, sponsor, invested, investor, shares in, shareholder, stake in,
    donated, donor
trade+: supplies, supplier, customer of, buys from, sells to, exports, imports, delivers to
rivalry+: competes with, competitor, rival, rivals, played against, lost to, beat
working_together+: worked with, works with, collaborated, teamed up, business partner, colleague of,
    shared stage
meeting+: danced with, interviewed, met, ran into, had lunch, had dinner, had coffee, talked to, spoke
    with, call with, argued with,
    bumped into
lawsuit: sued, lawsuit, court, accused
inspiration: inspired by, based on, named after, dedicated to, adapted, adaptation, parody, remake, sequel
    to
criticism: reviewed, review of, criticised, criticized, praised, critic
superlative: largest city, biggest city, oldest city, second largest city, main port, largest port, oldest
    university
military: general of, admiral, army, navy, soldier
interest: supports, supporter, fan, follows club
repair: repaired, fixed, washed, tested, test drove, borrowed, lent, rented, hired car
event: at wedding, at party, at funeral, at conference, at ceremony, at concert
colour: colour, color, painted, red, blue, green, shade
"""
"""One sense a line, indented where it goes on: its name, then its phrases.

Articles and possessives do not count, and words are stemmed.

A plus marks senses of which people have several at one time as a rule: what they speak, their children.
A minus marks senses that any relation may have besides its own: to be located, named, counted, dated.
"""

_APART = (
    "son/daughter brother/sister father,dad,daddy/mother,mum,mom,mummy husband/wife boyfriend/girlfriend "
)
_APART += "uncle/aunt nephew/niece grandfather,grandpa/grandmother,grandma "
_APART += "dog,puppy/cat,kitten/rabbit/hamster/horse "
_APART += "breakfast/lunch/dinner/supper birth/death king/queen first/second/third"
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|\{[so]\}")
_SKIPPED = frozenset("a an the my his her its their our your this that these those very".split())
_local = threading.local()


@lru_cache(maxsize=65_536)
def stem(word: str) -> str:
    """The stem of a lower-case word, its possessive ending left out; function words stay as they are."""
    word = word.replace("’", "'").removesuffix("'s").removesuffix("'")
    try:
        stemmer = _local.stemmer
    except AttributeError:
        stemmer = _local.stemmer = Stemmer.Stemmer("english", 0)
    return str(stemmer.stemWord(word))


def stems(text: str) -> list[str]:
    """Stems of a wording in order, without articles and possessives; holes ``{s}``, ``{o}`` stay."""
    words = (word.lower() for word in _WORD.findall(text))
    return [word if word[0] == "{" else stem(word) for word in words if word not in _SKIPPED]


def _load() -> dict[str, list[tuple[tuple[str, ...], str]]]:
    """First stem of a phrase -> (whole phrase, sense), longest phrases first."""
    table: dict[str, list[tuple[tuple[str, ...], str]]] = {}
    for line in SENSES.replace("\n    ", " ").strip().splitlines():
        sense, _, phrases = line.partition(":")
        sense = sense.rstrip("+-")
        for phrase in phrases.split(","):
            words = tuple(stems(phrase))
            table.setdefault(words[0], []).append((words, sense))
    for entries in table.values():
        entries.sort(key=lambda entry: -len(entry[0]))
    return table


_TABLE = _load()
APART: dict[str, tuple[int, int]] = {
    stem(word): (kind, which)
    for kind, group in enumerate(_APART.split())
    for which, words in enumerate(group.split("/"))
    for word in words.split(",")
}
"""Stems of which one excludes the others of its kind -> (kind, which of them)."""


def apart(one: str, other: str) -> bool:
    """Whether two stems name different things of one kind: a son and a daughter."""
    if one not in APART or other not in APART:
        return False
    return APART[one][0] == APART[other][0] and APART[one][1] != APART[other][1]


SEVERAL = frozenset(re.findall(r"^(\w+)\+:", SENSES, re.MULTILINE))
"""Senses marked with a plus."""
BOTH_WAYS = frozenset(("spouse", "sibling", "partner", "friend", "live_with"))
"""Senses that hold both ways."""
OCCASIONS = frozenset("bought adopted joined founded inherited".split())
"""Verbs of what is done more than once."""
GENERAL = frozenset(re.findall(r"^(\w+)-:", SENSES, re.MULTILINE))
"""Senses marked with a minus; they count only where a wording has no other."""


@lru_cache(maxsize=8192)
def both_ways(wording: str) -> bool:
    """Whether a relation holds from the one to the other and back, so far as its senses are known."""
    meant = senses(wording)
    return bool(meant) and meant <= BOTH_WAYS


@lru_cache(maxsize=8192)
def several(wording: str) -> bool:
    """Whether somebody may well have several values of a relation at one time.

    So it is where its senses say so, where the list knows none, and where a word has so many that none is
    meant.
    """
    meant = senses(wording)
    if "number of" in wording:
        return False
    if not OCCASIONS.isdisjoint(wording.split()):
        return True
    return len(meant) > 2 or meant <= SEVERAL


@lru_cache(maxsize=8192)
def senses(wording: str) -> frozenset[str]:
    """Senses of a wording with holes, of its longest phrases; empty where the list knows none.

    A word inside a longer phrase that was found does not speak for itself: "head of state" is not "head". A
    phrase of several senses ("plays") counts only where no other says more ("plays the position of").
    """
    words = [word for word in stems(wording) if word[0] != "{"]
    sure: set[str] = set()
    open_: set[str] = set()
    i = 0
    while i < len(words):
        entries = _TABLE.get(words[i], ())
        matching = [entry for entry in entries if tuple(words[i : i + len(entry[0])]) == entry[0]]
        if not matching:
            i += 1
            continue
        longest = len(matching[0][0])
        meant = {sense for phrase, sense in matching if len(phrase) == longest}
        (sure if len(meant) == 1 else open_).update(meant)
        i += longest
    return frozenset(sure - GENERAL or open_ - GENERAL or sure or open_)
