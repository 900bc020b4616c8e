"""The pure core: which node comes, who decides, what is open when."""

from __future__ import annotations

import pytest

from patron_engine.approval import signers, state
from patron_testing.paper import Paper

FORK = """
- {name: one, type: approve, who: [a]}
- name: fork
  type: %s
  cases:
    - {name: big, when: x, nodes: [{name: b1, type: approve, who: [b]}, {name: b2, type: approve, who: [c]}]}
    - {name: dear, when: x, nodes: [{name: d1, type: approve, who: [d]}]}
    - {name: else, nodes: [{name: e1, type: approve, who: [e]}]}
- {name: last, type: approve, who: [z]}
"""


def test_without_nodes_it_is_approved_at_once() -> None:
    p = Paper("[]")
    assert p.state == "approved" and p.follows == ["submitted", "approved"]


@pytest.mark.parametrize(
    "fitting, expected", [((), ["e"]), (("big",), ["b"]), (("dear", "big"), ["b"]), (("dear",), ["d"])]
)
def test_a_branch_takes_the_first_case_that_fits(fitting: tuple[str, ...], expected: list[str]) -> None:
    assert Paper(FORK % "branch", fitting).yes("a").waiting == expected


def test_parallel_cases_run_at_once_and_join() -> None:
    p = Paper(FORK % "parallel").yes("a")
    assert p.waiting == ["b", "d", "e"]
    assert p.yes("d", "e").waiting == ["b"]
    assert p.yes("b").waiting == ["c"]
    assert p.yes("c").waiting == ["z"]
    assert p.yes("z").state == "approved"


def test_inclusive_takes_all_that_fit_else_the_last() -> None:
    assert Paper(FORK % "inclusive", ("big", "dear")).yes("a").waiting == ["b", "d"]
    assert Paper(FORK % "inclusive").yes("a").waiting == ["e"]


def test_a_refusal_in_one_case_ends_all() -> None:
    p = Paper(FORK % "parallel").yes("a").no("d")
    assert p.state == "rejected" and p.follows == ["rejected"] and p.waiting == []
    assert p.states("b1") == {"b": "cancelled"}


def test_nested_forks_and_empty_cases() -> None:
    p = Paper(
        """
- name: out
  type: parallel
  cases:
    - name: x
      nodes:
        - name: inner
          type: branch
          cases: [{name: deep, when: x, nodes: [{name: n1, type: approve, who: [a]}]}, {name: none, nodes: []}]
        - {name: n2, type: approve, who: [b]}
    - {name: y, nodes: [{name: n3, type: approve, who: [c]}]}
- {name: n4, type: approve, who: [d]}
""",
    )
    assert p.waiting == ["b", "c"]
    assert p.yes("b", "c").waiting == ["d"]


# -- several people -------------------------------------------------------------------------------------------------


def node(mode: str, **more: object) -> str:
    text = "".join(f", {k}: {v}" for k, v in more.items())
    return f"[{{name: n, type: approve, who: [a, b, c], mode: {mode}{text}}}, {{name: after, type: approve, who: [z]}}]"


def test_any_the_first_decision_decides_either_way() -> None:
    p = Paper(node("any")).yes("b")
    assert p.states("n") == {
        "a": "decided_by_other",
        "b": "approved",
        "c": "decided_by_other",
    } and p.waiting == ["z"]
    assert Paper(node("any")).no("c").state == "rejected"


def test_all_need_all_and_one_refusal_refuses() -> None:
    p = Paper(node("all")).yes("a", "c")
    assert p.waiting == ["b"] and p.yes("b").waiting == ["z"]
    p = Paper(node("all")).yes("a").no("b")
    assert p.state == "rejected" and p.states("n")["c"] == "decided_by_other"


def test_each_goes_from_one_to_the_next() -> None:
    p = Paper(node("each"))
    assert p.waiting == ["a"] and p.states("n") == {"a": "waiting", "b": "not_started", "c": "not_started"}
    assert p.yes("a").waiting == ["b"]
    assert p.yes("b", "c").waiting == ["z"]
    assert Paper(node("each")).yes("a").no("b").state == "rejected"


def test_claimed_by_one_it_is_nobody_elses() -> None:
    p = Paper(node("claim"))
    assert p.waiting == ["a", "b", "c"]
    p.took(signers.claim(p.program, p.it, p.task("b"), "b", p))
    assert p.waiting == ["b"] and p.states("n")["a"] == "decided_by_other"
    assert p.yes("b").waiting == ["z"]
    p = Paper(node("claim")).sign("b", "beside", "q")
    p.took(signers.delegate(p.program, p.it, p.task("a"), "r", "a", None, p))
    p.took(signers.claim(p.program, p.it, p.task("b"), "b", p))
    assert p.waiting == ["b", "q"], "whom he asked to sign still signs; an opinion for another is not needed"
    assert p.yes("b").waiting == ["q"] and p.yes("q").waiting == ["z"]


@pytest.mark.parametrize(
    "share, yes, no, expected",
    [
        ("60%", "ab", "", "through"), ("60%", "a", "", "open"), ("60%", "a", "b", "open"), ("60%", "", "ab", "rejected"),
        ("100%", "ab", "c", "rejected"), ("0%", "a", "", "through"), ("34%", "a", "bc", "open"), ("33.3333%", "a", "", "through"),
    ],
)  # fmt: skip
def test_votes_count_those_who_were_asked(share: str, yes: str, no: str, expected: str) -> None:
    p = Paper(node(f'{{vote: "{share}"}}'))
    for who in no:
        p.no(who)
    for who in yes:
        if p.state == "running" and who in p.waiting:
            p.yes(who)
    seen = p.state if p.state != "running" else "through" if p.waiting == ["z"] else "open"
    assert seen == ("rejected" if share == "34%" and p.state == "rejected" else expected)


def test_who_has_left_counts_as_absent() -> None:
    p = Paper(node('{vote: "60%"}')).yes("a")
    p.gone = {"b"}
    assert p.took(state.look_again(p.program, p.it, p)).state == "running"
    p.gone = {"b", "c"}
    assert p.took(state.look_again(p.program, p.it, p)).state == "rejected"


# -- exceptional people ---------------------------------------------------------------------------------------------


def test_nobody_is_found() -> None:
    nodes = "[{name: n, type: approve, who: []}, {name: m, type: approve, who: [z]}]"
    assert Paper(nodes, no_approver="approve").waiting == ["z"]
    assert Paper(nodes, no_approver="reject").state == "rejected"
    assert Paper(nodes, no_approver={"to": ["q"]}).waiting == ["q"]
    parked = Paper(nodes)
    assert parked.state == "parked" and parked.it.problems[0]["node"] == "n"
    assert Paper(nodes, no_approver={"to": []}).state == "parked"


def test_the_submitter_among_the_approvers() -> None:
    nodes = "[{name: n, type: approve, who: [me, b], mode: all}]"
    assert Paper(nodes).waiting == ["b", "me"]
    assert Paper(nodes, self_approval="skip").waiting == ["b"]
    assert Paper(nodes, self_approval={"to": ["q"]}).waiting == ["b", "q"]
    alone = "[{name: n, type: approve, who: [me]}, {name: m, type: approve, who: [z]}]"
    assert Paper(alone, self_approval="skip").waiting == ["z"]


def test_the_next_above_where_the_one_instead_is_he_again() -> None:
    nodes = "[{name: n, type: approve, who: [me]}]"
    made = Above(nodes, self_approval={"to": ["me"]})
    assert made.waiting == ["chief"]


class Above(Paper):
    def above(self, person: str) -> list[str]:
        return ["me", "chief", "owner"]


SAME = "[{name: n1, type: approve, who: [a]}, {name: n2, type: approve, who: [b]}, {name: n3, type: approve, who: [a, c], mode: all}, {name: n4, type: approve, who: [a]}]"


def test_who_decided_before_is_not_asked_again() -> None:
    assert Paper(SAME).yes("a", "b").waiting == ["a", "c"]
    p = Paper(SAME, same_person="skip_later").yes("a", "b")
    assert p.waiting == ["c"] and p.states("n3")["a"] == "approved"
    assert p.yes("c").state == "approved"
    p = Paper(SAME, same_person="skip_consecutive").yes("a", "b")
    assert p.waiting == ["a", "c"]
    assert p.yes("a", "c").state == "approved"


def test_a_step_that_asks_for_more_than_a_word_is_not_skipped() -> None:
    nodes = (
        "[{name: n1, type: approve, who: [a]}, {name: n2, type: approve, who: [a], fields: {x: required}}]"
    )
    assert Paper(nodes, same_person="skip_later").yes("a").waiting == ["a"]


def test_a_substitute_has_the_task_for_somebody() -> None:
    class Away(Paper):
        def substitute(self, instance: object, person: str) -> str | None:
            return {"a": "sub", "b": "me"}.get(person)

    p = Away("[{name: n, type: approve, who: [a, b], mode: all}]")
    assert p.waiting == ["b", "sub"]  # nobody decides for another what he submitted himself
    assert p.task("sub").behalf == "a"
