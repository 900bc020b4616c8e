"""What people of the demo are at around today: leads, prospects, contacts, open deals with quotes, activities, visits, tasks.

In: the public files, a day. Out: sheets in the order they are imported. No public deal is touched: what is worked on are deals of the
sample's own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from patron_platform.sample.deals import CHANNELS, RIVALS, SOURCES, closed, sheet_of
from patron_platform.sample.sheet import DEAL, KEY, Public, Sheet, moment, workday

FIRST = (
    "Alex",
    "Maria",
    "Chen",
    "Priya",
    "Jonas",
    "Aiko",
    "Sofia",
    "Liam",
    "Fatima",
    "Diego",
    "Hana",
    "Marc",
    "Nina",
    "Omar",
    "Ruth",
)
LAST = (
    "Keller",
    "Tanaka",
    "Novak",
    "Silva",
    "Olsen",
    "Meyer",
    "Rossi",
    "Dubois",
    "Khan",
    "Wang",
    "Brandt",
    "Costa",
    "Lund",
    "Moreau",
)
POSITIONS = ("Head of purchasing", "IT manager", "Managing director", "Finance director", "Project manager")
NEW_ONES = (
    "Aldertech", "Brightharbor", "Cobaltworks", "Dunmore Labs", "Eastgate Medical", "Fernhill Retail", "Glasswing", "Harrowdata",
    "Ironvale", "Juniper Foods", "Kestrel Media", "Larkspur Health", "Maplecroft", "Northbeam", "Oakline", "Pinegrove", "Quarrystone",
    "Riverton Bank", "Stonefield", "Tidewater", "Umberlight", "Vantage Point", "Westmoor", "Yarrow Systems",
)  # fmt: skip
QUOTED = {"proposal": "sent", "negotiation": "sent", "contracting": "accepted"}
INDUSTRIES = ("technology/software", "healthcare", "retail", "finance", "telecommunications", "services")
STAGES = (("prospecting", "pipeline"), ("qualification", "pipeline"), ("proposal", "pipeline"), ("proposal", "best_case"), ("negotiation", "best_case"), ("contracting", "commit"))  # fmt: skip
TALKS = {
    "call": ("Talked about the offer", "Asked when the budget is settled", "Called back about delivery"),
    "email": ("Sent the comparison", "Sent references", "Answered questions on service"),
    "meeting": ("Went through the offer", "Met the buying committee"),
    "visit": ("Visited the site", "Measured the server room"),
    "demo": ("Showed the product",),
}
WORKED = (5, 8)  # open deals of a seller: fewest, most


def around(public: Public, today: date) -> list[Sheet]:
    dice = Random(2026)
    prospects, contacts = _prospects(public, today, dice), _contacts(public, today, dice)
    worked = _worked(public, today, dice)
    quotes, lines = _quotes(worked, today, dice)
    return [
        _sheet("sample_prospects", "account", prospects),
        _sheet("sample_contacts", "contact", contacts, account=DEAL),
        _sheet("sample_credit", "account", _credit(public), match=DEAL, primary_contact=KEY),
        _sheet("sample_lead_sources", "lead_source", _channels(today)),
        _sheet("sample_leads", "lead", _leads(public, today, dice), lead_source=KEY),
        _sheet("sample_competitors", "competitor", [{"key": k, "name": n, "threat": 3} for k, n in RIVALS.items()]),
        sheet_of("sample_closed_deals", [d.row() for d in closed(public, today)]),
        sheet_of("sample_open_deals", [{k: v for k, v in d.items() if not k.startswith("_")} for d in worked]),
        _sheet("sample_quotes", "quote", quotes, opportunity=DEAL, account=DEAL),
        _sheet("sample_quote_lines", "quote_line", lines, quote=KEY, product="name"),
        Sheet(
            name="sample_activities", object="activity", rows=_activities(public, worked, today, dice), links={"account": DEAL},
            more={"about": {"field": "about", "object": "opportunity", "by": DEAL}},
        ),
        _sheet("sample_visits", "visit", _visits(public, today, dice), account=DEAL),
        Sheet(
            name="sample_tasks", object="task", rows=_tasks(worked, today, dice), links={"account": DEAL},
            more={"about": {"field": "about", "object": "opportunity", "by": DEAL}},
        ),
    ]  # fmt: skip


def _sheet(name: str, object: str, rows: Sequence[dict[str, Any]], match: str = KEY, **links: str) -> Sheet:
    return Sheet(name=name, object=object, rows=rows, match=match, links=links)


def _prospects(public: Public, today: date, dice: Random) -> list[dict[str, Any]]:
    """Companies that have not bought yet, made within a year; some are nobody's."""
    people = sorted(public.people)
    return [
        {
            "key": f"a-{n}", "name": name, "owner": dice.choice(people), "lifecycle": ("prospect", "interested")[n % 3 == 0],
            "industry": dice.choice(INDUSTRIES), "source": dice.choice(SOURCES), "employees": dice.randint(20, 900), "grade": "c",
            "created_at": moment(workday(today - timedelta(days=min(n * n, 340))), dice),
        }
        for n, name in enumerate(NEW_ONES)
    ]  # fmt: skip


def _credit(public: Public) -> list[dict[str, Any]]:
    won: dict[str, int] = {}
    for deal in public.deals:
        if deal.stage == "Won":
            won[deal.account] = won.get(deal.account, 0) + deal.value
    grade = {
        a: "a" if won.get(a, 0) >= 150_000 else "b" if won.get(a, 0) >= 80_000 else "c" for a in public.owners
    }
    limit = {"a": 60_000, "b": 25_000, "c": 6_000}
    return [
        {"key": a, "grade": grade[a], "credit_limit": limit[grade[a]], "primary_contact": f"k-{n}-0"}
        for n, a in enumerate(sorted(grade))
    ]


def _contacts(public: Public, today: date, dice: Random) -> list[dict[str, Any]]:
    found = []
    for n, (account, owner) in enumerate(sorted(public.owners.items())):
        for m in range(1 + n % 2):
            name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
            found.append({
                "key": f"k-{n}-{m}", "name": name, "account": account, "owner": owner, "position": dice.choice(POSITIONS),
                "email": f"{name.lower().replace(' ', '.')}.{n}@customer.example", "phone": f"+1 212 555 {100 + n:04d}", "mobile": f"+1 917 555 {100 + n:04d}",
                "created_at": moment(workday(today - timedelta(days=dice.randint(3, 900))), dice),
            })  # fmt: skip
    return found


def _channels(today: date) -> list[dict[str, Any]]:
    named = (("s1", "Autumn fair", "exhibition", 18_000), ("s2", "Search advertising", "advertising", 9_500), ("s3", "Website", "web", 2_000), ("s4", "Customers recommend", "referral", 500))  # fmt: skip
    return [{"key": k, "name": f"{name} {today.year}", "source": source, "cost": cost, "budget": cost + 1_000} for k, name, source, cost in named]  # fmt: skip


def _leads(public: Public, today: date, dice: Random) -> list[dict[str, Any]]:
    """Three months of leads: older ones decided, those of these days new."""
    people, found = sorted(public.people), []
    for n in range(140):
        ago = n * n // 210
        made = workday(today - timedelta(days=ago))
        choice = ("new", "assigned", "assigned", "contacted") if ago < 4 else ("contacted", "qualified", "converted", "unqualified", "converted", "contacted")  # fmt: skip
        status, source = dice.choice(choice), dice.choice(SOURCES)
        created = datetime.fromisoformat(moment(made, dice, last=11))
        spoken = created + timedelta(minutes=dice.randint(10, 300 if n % 5 else 2_000))
        name = f"{dice.choice(FIRST)} {dice.choice(LAST)}"
        found.append({
            "key": f"x-{n}", "name": name, "company": f"{dice.choice(LAST)} {dice.choice(('Group', 'Works', 'Systems', 'Trading'))}",
            "owner": "" if status == "new" else people[n % len(people)], "status": status, "source": source,
            "lead_source": CHANNELS.get(source, ""), "rating": dice.choice(("hot", "warm", "warm", "cold")),
            "email": f"{name.lower().replace(' ', '.')}.{n}@prospect.example", "created_at": created.isoformat(" "),
            "first_contacted_at": "" if status in ("new", "assigned") else spoken.isoformat(" "),
            "converted_at": (spoken + timedelta(days=2)).isoformat(" ") if status == "converted" else "",
            "unqualified_reason": dice.choice(("no_need", "no_budget", "unreachable", "duplicate")) if status == "unqualified" else "",
        })  # fmt: skip
    return found


def _worked(public: Public, today: date, dice: Random) -> list[dict[str, Any]]:
    """Open deals, of every seller some with his own customers: what they are worth, when they should close, how far they are."""
    everybody, products = sorted(public.owners), sorted(public.prices)
    found = []
    for p, person in enumerate(sorted(public.people)):
        his = [a for a in everybody if public.owners[a] == person] or everybody
        for n in range(dice.randint(*WORKED)):
            account, product, (stage, forecast) = dice.choice(his), dice.choice(products), dice.choice(STAGES)
            price = public.prices[product]
            engaged, source = workday(today - timedelta(days=dice.randint(2, 110))), dice.choice(SOURCES)
            found.append({
                "key": f"O-{p}-{n}", "name": f"{account} · {product}", "account": account, "main_product": product, "owner": person,
                "stage": stage, "amount": price * max(1, min(12, dice.randint(2_000, 40_000) // price)), "engaged_on": engaged,
                "close_date": max(engaged + timedelta(days=7), today + timedelta(days=dice.randint(-12, 150))), "forecast": forecast,
                "kind": dice.choice(("new_business", "repeat", "upsell")), "source": source, "lead_source": CHANNELS.get(source, ""),
                "need": f"{account} wants to replace its {product}", "next_step": "Agree on a date", "created_at": moment(engaged, dice),
                "_agent": person, "_account": account, "_product": product, "_price": price, "_stage": stage, "_engaged": engaged,
            })  # fmt: skip
    return found


def _quotes(
    worked: Sequence[dict[str, Any]], today: date, dice: Random
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    quotes, lines = [], []
    for deal in worked:
        if deal["_stage"] not in QUOTED:
            continue
        on = max(deal["_engaged"], today - timedelta(days=dice.randint(1, 60)))
        status = QUOTED[deal["_stage"]]
        if dice.random() < 0.15:
            status = "declined"
        quotes.append({
            "key": f"q-{deal['key']}", "name": f"{deal['_account']} · {deal['_product']}", "opportunity": deal["key"],
            "account": deal["_account"], "owner": deal["_agent"], "status": status, "quoted_on": on, "sent_on": on,
            "valid_until": on + timedelta(days=75), "decline_reason": "price" if status == "declined" else "",
        })  # fmt: skip
        lines.append({
            "key": f"ql-{deal['key']}", "quote": f"q-{deal['key']}", "product": deal["_product"], "list_price": deal["_price"],
            "quantity": deal["amount"] // deal["_price"], "price": deal["_price"], "discount": dice.choice((0, 0, 3, 5, 8)),
        })  # fmt: skip
    return quotes, lines


def _activities(
    public: Public, worked: Sequence[dict[str, Any]], today: date, dice: Random
) -> list[dict[str, Any]]:
    """Of half a year, more of the last weeks; the last one of many deals says when to talk next: yesterday, today, soon."""
    found = []
    for deal in worked:
        since = (today - deal["_engaged"]).days
        times = sorted(
            {min(since, round(dice.expovariate(1 / 25))) for _ in range(dice.randint(1, 5))}, reverse=True
        )
        for n, ago in enumerate(times):
            kind = dice.choice(("call", "call", "email", "email", "meeting", "visit", "demo"))
            soon = today + timedelta(days=dice.choice((0, 0, 1, 3, 7)))
            found.append({
                "key": f"t-{deal['key']}-{n}", "kind": kind, "subject": dice.choice(TALKS[kind]), "about": deal["key"],
                "account": deal["_account"], "owner": deal["_agent"], "status": "done", "at": today - timedelta(days=ago),
                "duration": dice.randint(2, 50) * 60 if kind in ("call", "meeting") else "",
                "result": dice.choice(("interested", "follow_up", "follow_up", "no_answer")),
                "next_contact_at": moment(soon, dice) if n == len(times) - 1 and dice.random() < 0.7 else "",
            })  # fmt: skip
    return [*found, *_talks_before(public, today, dice)]


def _talks_before(public: Public, today: date, dice: Random) -> Iterator[dict[str, Any]]:
    """What led to some of the public deals that were won, and to each second of the sample's own."""
    won = [d for d in public.deals if d.stage == "Won" and d.account and d.closed_on][::24]
    old = ((d.key, d.account, d.agent, d.closed_on or today) for d in won)
    own = ((d.key, d.account, d.owner, d.on) for d in closed(public, today)[::2])
    for key, account, owner, day in (*old, *own):
        kind = dice.choice(("call", "call", "email", "meeting", "visit", "demo"))
        yield {
            "key": f"t-{key}", "kind": kind, "subject": dice.choice(TALKS[kind]), "about": key, "account": account,
            "owner": owner, "status": "done", "at": workday(day - timedelta(days=dice.randint(1, 20))),
            "duration": dice.randint(2, 50) * 60 if kind in ("call", "meeting") else "",
            "result": dice.choice(("interested", "interested", "follow_up")), "next_contact_at": "",
        }  # fmt: skip


def _visits(public: Public, today: date, dice: Random) -> list[dict[str, Any]]:
    found = []
    for n, (account, owner) in enumerate(sorted(public.owners.items())):
        days = (today - timedelta(days=0 if n % 3 == 0 else -1), *(today - timedelta(days=a) for a in (3 + n % 20, 40 + n)), date(2017, 3 + n % 10, 1 + n % 28))  # fmt: skip
        for m, day in enumerate(days):
            ago = (today - day).days
            done = ago > 0
            begin = datetime.fromisoformat(moment(day, dice))
            found.append({
                "key": f"w-{n}-{m}", "subject": f"Visit {account}", "account": account, "owner": owner, "manual": "true",
                "purpose": dice.choice(("follow_up", "presentation", "care")), "status": "done" if done else "planned",
                "planned_at": begin.isoformat(" "), "checked_in_at": (begin + timedelta(minutes=7)).isoformat(" ") if done else "",
                "checked_out_at": (begin + timedelta(minutes=dice.randint(40, 120))).isoformat(" ") if done else "",
                "summary": "They are content and ask for a proposal" if done else "",
            })  # fmt: skip
    return found


def _tasks(worked: Sequence[dict[str, Any]], today: date, dice: Random) -> list[dict[str, Any]]:
    words = (
        "Send the revised quote",
        "Prepare the presentation",
        "Ask about the decision",
        "Check delivery dates",
    )
    return [
        {
            "key": f"z-{deal['key']}", "title": dice.choice(words), "about": deal["key"], "account": deal["_account"],
            "owner": deal["_agent"], "status": dice.choice(("open", "open", "in_progress", "done")),
            "due": today + timedelta(days=dice.randint(-3, 14)), "priority": dice.choice(("normal", "normal", "high")),
        }
        for deal in list(worked)[::2]
    ]  # fmt: skip


__all__ = ["around"]
