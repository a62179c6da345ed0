"""The rules of the contract, each with a name that its failure begins with."""

from typing import NoReturn

RULES = {
    "authorize": "answers True or False, or raises an error of the house, whatever it is asked: an odd "
    "key, an unknown action, somebody of another tenant. Who gives no answer lets nobody in.",
    "receive": "takes the changes that are given, and answers odd data with BadRequest, Denied or "
    "another error below 500, never with an exception of its own.",
    "json": "what `receive` and `snapshot` give is what JSON knows: it comes back as it was written.",
    "argument": "`receive` leaves what it is given as it is.",
    "effect": "`receive` changes nothing: what it gives may be refused yet, or be a repetition.",
    "copy": "a snapshot is the caller's own: who changes it changes nothing in the provider, and asking "
    "twice gives the same.",
    "audience": "`audience` gives an Audience.",
    "visible": "`visible` answers True or False for every message, also for one that is read from the "
    "log, where `members` is None.",
    "seen": "`seen` gives a Read or raises an error of the house, whatever the offset.",
    "push": "a change is heard by somebody who listens, and carries what was stored.",
    "snapshot": "the state before, with the pushes applied, is the state that a new subscriber gets.",
    "twice": "a push that is applied twice changes nothing more: a snapshot may hold it already.",
    "retry": "a post that is repeated with its key changes the state once.",
    "at once": "the same holds where all is posted at the same time.",
    "resume": "who comes back and gets what he missed has the state of a new subscriber.",
    "history": "what somebody was shown live is what the history and a resumed subscription show him.",
    "signals": "with `history = 0` nothing is numbered or kept, and no state changes with it: a signal may be lost.",
    "tenant": "what happens in one tenant is not seen in another, where a topic has the same name.",
    "restart": "a server that is started again on the same database gives the same state, and goes on.",
}


def broken(rule: str, text: str) -> NoReturn:
    """Ends the contract."""
    __tracebackhide__ = True
    raise AssertionError(f"rule {rule!r}: {text}\n(it says: {RULES[rule]})")


def expect(rule: str, holds: bool, text: str) -> None:
    """Ends the contract where it does not hold."""
    __tracebackhide__ = True
    if not holds:
        broken(rule, text)
