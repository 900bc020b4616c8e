"""The pure core: sent back, transferred, delegated, signers, deadlines, an administrator's hand."""

from __future__ import annotations

import pytest

from patron_engine.approval import signers, state
from patron_engine.approval.finishing import finish_early
from patron_engine.approval.route import ahead, route
from patron_engine.approval.value import Log
from patron_testing.paper import Paper

LINE = "[{name: n1, type: approve, who: [a]}, {name: n2, type: approve, who: [b]}, {name: n3, type: approve, who: [c]}]"
FORKED = """
- {name: n1, type: approve, who: [a]}
- name: fork
  type: parallel
  cases:
    - {name: x, nodes: [{name: x1, type: approve, who: [b]}, {name: x2, type: approve, who: [c]}]}
    - {name: y, nodes: [{name: y1, type: approve, who: [d]}]}
- {name: n2, type: approve, who: [z]}
"""


def test_returned_to_the_submitter_and_begun_again() -> None:
    p = Paper(LINE).yes("a").back("b", "submitter")
    assert (
        p.state == "returned" and p.waiting == [] and p.follows == ["returned"] and p.it.returned_from == "n2"
    )
    assert p.again().waiting == ["a"] and p.follows == ["submitted"]
    assert p.yes("a", "b", "c").state == "approved"


def test_returned_and_straight_back_to_whoever_returned_it() -> None:
    p = Paper(LINE, resubmit="returner").yes("a").back("b", "submitter").again()
    assert p.waiting == ["b"]
    assert p.yes("b", "c").state == "approved"


def test_returned_to_an_earlier_step() -> None:
    p = Paper(LINE).yes("a", "b").back("c", "n1")
    assert p.waiting == ["a"] and p.state == "running"
    assert p.yes("a").waiting == ["b"]
    p = Paper(LINE, resubmit="returner").yes("a", "b").back("c", "n1")
    assert p.yes("a").waiting == ["c"]
    assert Paper(LINE).yes("a", "b").back("c", "last").waiting == ["b"]
    assert Paper(LINE).back("a", "last").state == "returned"


def test_from_a_case_to_before_the_fork() -> None:
    p = Paper(FORKED).yes("a", "d", "b")
    assert state.return_targets(p.program, p.it, "x2") == ["n1", "x1"]
    assert p.back("c", "n1").waiting == ["a"]
    assert p.yes("a").waiting == ["b", "d"]


def test_within_a_case_the_other_goes_on() -> None:
    p = Paper(FORKED).yes("a", "b").back("c", "x1")
    assert p.waiting == ["b", "d"]
    assert p.yes("d", "b", "c", "z").state == "approved"


def test_after_a_fork_back_into_it() -> None:
    p = Paper(FORKED).yes("a", "b", "c", "d").back("z", "x2")
    assert p.waiting == ["c"]
    assert p.yes("c").waiting == ["z"]


def test_transferred_it_is_another_persons() -> None:
    p = Paper(LINE).give("a", "q")
    assert p.waiting == ["q"] and p.states("n1")["a"] == "transferred"
    assert p.yes("q").waiting == ["b"]


def test_delegated_it_comes_back() -> None:
    p = Paper(LINE)
    p.took(signers.delegate(p.program, p.it, p.task("a"), "q", "a", None, p))
    assert p.waiting == ["q"] and p.states("n1")["a"] == "delegated"
    assert p.no("q").waiting == ["a"] and p.state == "running"
    assert p.yes("a").waiting == ["b"]


@pytest.mark.parametrize("mode", ["any", "all", "each"])
def test_a_signer_before_decides_first_then_it_is_his_turn_again(mode: str) -> None:
    p = Paper(
        f"[{{name: n, type: approve, who: [a], mode: {mode}}}, {{name: m, type: approve, who: [z]}}]"
    ).sign("a", "before", "q", "r")
    assert p.waiting == ["q", "r"]
    assert p.yes("q").waiting == ["r"]
    assert p.yes("r").waiting == ["a"]
    assert p.yes("a").waiting == ["z"]


def test_a_signer_after_follows_and_beside_is_asked_at_once() -> None:
    p = Paper(LINE).sign("a", "after", "q")
    assert p.waiting == ["a"]
    assert p.yes("a").waiting == ["q"]
    assert p.yes("q").waiting == ["b"]
    p = Paper(LINE).sign("a", "beside", "q")
    assert p.waiting == ["a", "q"]
    assert p.yes("a").waiting == ["q"]
    assert p.yes("q").waiting == ["b"]
    assert Paper(LINE).sign("a", "beside", "q").no("q").state == "rejected"


def test_a_signer_after_in_a_sequence_comes_before_the_next() -> None:
    p = Paper("[{name: n, type: approve, who: [a, b], mode: each}]").sign("a", "after", "q").yes("a")
    assert p.waiting == ["q"]
    assert p.yes("q").waiting == ["b"]


def test_a_signer_whose_adder_was_overtaken_is_not_needed() -> None:
    p = Paper("[{name: n, type: approve, who: [a, b]}]").sign("a", "after", "q").yes("b")
    assert p.state == "approved"


def test_a_signer_is_removed_before_he_acts() -> None:
    p = Paper(LINE).sign("a", "before", "q")
    p.took(signers.remove_signer(p.program, p.it, p.task("q"), "a", p))
    assert p.waiting == ["a"]


def test_taken_back_while_nobody_has_acted() -> None:
    p = Paper(LINE).yes("a")
    task = next(t for t in p.it.tasks if t.person == "a")
    assert state.take_back_refused(p.program, p.it, task) is None
    p.took(state.take_back(p.program, p.it, task, "a", p))
    assert p.waiting == ["a"]
    p.yes("a", "b")
    task = p.it.at("n1")[0]
    assert state.take_back_refused(p.program, p.it, task) == "next_decided"


def test_steps_hold_until_they_are_done() -> None:
    p = Paper("[{name: s, type: do, steps: []}, {name: n, type: approve, who: [a]}]")
    assert p.begun == ["s"] and p.waiting == []
    assert p.steps("s").waiting == ["a"]


def test_jumps_forward_and_back() -> None:
    p = Paper(FORKED)
    p.took(state.jump(p.program, p.it, "n2", "root", None, p))
    assert p.waiting == ["z"] and p.it.places["n1"].state == "skipped"
    p.took(state.jump(p.program, p.it, "n1", "root", None, p))
    assert p.waiting == ["a"]
    p.took(state.jump(p.program, p.it, "x2", "root", None, p))
    assert p.waiting == ["c"] or p.waiting == ["c", "d"]
    for who in list(p.waiting):
        p.yes(who)
    assert p.waiting == ["z"] and p.yes("z").state == "approved"


DEADLINE = "[{name: n, type: approve, who: [a], deadline: %s}, {name: m, type: approve, who: [z]}]"


def test_what_a_deadline_says_is_done() -> None:
    assert Paper(DEADLINE % "{after: 1 hour, then: approve}").late("a").waiting == ["z"]
    assert Paper(DEADLINE % "{after: 1 hour, then: reject}").late("a").state == "rejected"
    assert Paper(DEADLINE % "{after: 1 hour, then: return}").late("a").state == "returned"
    assert Paper(DEADLINE % "{after: 1 hour, then: {transfer: [q]}}").late("a").waiting == ["q"]
    mine = DEADLINE % "{after: 1 hour, then: {transfer: [me, q]}}"
    assert Paper(mine, self_approval="skip").late("a").waiting == ["q"], "not to who submitted it"
    assert Paper(mine, self_approval="allow").late("a").waiting == ["me", "q"]


def test_reminders_end_with_what_comes_finally() -> None:
    p = Paper(DEADLINE % "{after: 1 hour, then: remind, every: 1 hour, times: 2, finally: {transfer: [q]}}")
    assert p.late("a").task("a").reminded == 1
    assert p.late("a").task("a").due_at is not None
    assert p.late("a").waiting == ["q"]
    p = Paper(DEADLINE % "{after: 1 hour, then: remind, times: 1}").late("a")
    assert p.task("a").due_at is None


def test_a_copy_is_given_once() -> None:
    p = Paper(
        "[{name: c1, type: cc, who: [x]}, {name: c2, type: cc, who: [x, y]}, {name: n, type: approve, who: [a]}]"
    )
    assert [t.person for t in p.it.tasks if t.kind == "copy"] == ["x", "y"] and p.waiting == ["a"]


def test_the_route_is_drawn_with_what_was_is_and_will_be() -> None:
    p = Paper(FORKED).yes("a")
    stops = route(p.program, p.it, p)
    assert [(s.name, s.state) for s in stops] == [("n1", "done"), ("fork", "open"), ("n2", "ahead")]
    assert [[(s.name, s.state, [x.person for x in s.people]) for s in w.stops] for w in stops[1].ways] == [
        [("x1", "open", ["b"]), ("x2", "ahead", ["c"])], [("y1", "open", ["d"])],
    ]  # fmt: skip
    before = ahead(stops)
    assert before == ahead(route(p.program, p.it, p))


def test_the_route_says_where_nobody_is_found() -> None:
    p = Paper("[{name: n1, type: approve, who: [a]}, {name: n2, type: approve, who: []}]")
    assert [(s.name, s.state) for s in route(p.program, p.it, p)] == [("n1", "open"), ("n2", "nobody")]


def test_approved_and_ended_by_one_of_them() -> None:
    nodes = (
        FORKED
        + "- {name: send, type: do, steps: [{name: s, do: stop}]}\n- {name: copy, type: cc, who: [y]}\n"
    )
    p = Paper(nodes).yes("a")
    p.took(finish_early(p.program, p.it, p.task("b"), "b", "enough", p))
    assert (p.state, p.waiting, p.begun) == ("running", [], ["send"]) and p.states("y1") == {
        "d": "decided_by_other"
    }
    assert {n: p.it.places[n].state for n in ("x1", "x2", "y1", "n2")} == {
        "x1": "done", "x2": "skipped", "y1": "skipped", "n2": "skipped",
    }  # fmt: skip
    p.steps("send")
    assert p.state == "approved" and p.states("copy") == {"y": "copied"}


def test_a_copy_for_nobody_is_told() -> None:
    p = Paper("[{name: c, type: cc, who: []}, {name: d, type: cc, who: [y]}, {name: e, type: cc, who: [y]}]")
    assert p.state == "approved" and [p.it.places[n].outcome for n in "cde"] == ["nobody", None, "had"]
    assert [e.detail["why"] for e in p.effects if isinstance(e, Log) and e.kind == "not_copied"] == [
        "nobody",
        "had",
    ]
    p = Paper("[{name: a, type: approve, who: [x]}, {name: c, type: cc, who: []}]")
    assert route(p.program, p.it, p)[1].outcome == "nobody", "before it is sent"
