"""The same rules in python-aiml or experta: `answer.py aiml|experta < rules.json`.

stdin: {"rules": [[word, department], …], "messages": […]}. stdout: {"ns": […], "answered": n}.
Each message is timed from the text to the answer, as a caller of the library would do it.
"""

import collections
import collections.abc
import json
import sys
import time
from collections.abc import Callable
from xml.sax.saxutils import escape


def aiml(rules: list[list[str]]) -> Callable[[str], str]:
    """AIML matches words apart by spaces, and `*` is at least one: four patterns a rule."""
    import aiml as library

    kernel = library.Kernel()
    kernel.verbose(False)
    categories = "".join(
        f"<category><pattern>{before}{escape(' '.join(word.upper()))}{after}</pattern>"
        f"<template>{department}</template></category>"
        for word, department in rules
        for before in ("", "* ")
        for after in ("", " *")
    )
    document = f'<?xml version="1.0" encoding="UTF-8"?><aiml version="1.0">{categories}</aiml>'
    with open("rules.aiml", "w", encoding="utf-8") as file:
        file.write(document)
    kernel.learn("rules.aiml")
    return lambda text: kernel.respond(" ".join(text))


def experta(rules: list[list[str]]) -> Callable[[str], str]:
    """A Rete network over facts; the words have to be found before."""
    # Its frozendict is from before Python 3.10 and looks for Mapping where it no longer is.
    collections.Mapping = collections.abc.Mapping
    from experta import Fact, KnowledgeEngine, Rule

    def rule(word: str, department: str) -> Rule:
        def says(engine: KnowledgeEngine) -> None:
            engine.said.append(department)

        return Rule(Fact(word=word))(says)

    body = {f"rule_{at}": rule(*one) for at, one in enumerate(rules)}
    engine = type("Engine", (KnowledgeEngine,), body)()

    def answer(text: str) -> str:
        engine.said = []
        engine.reset()
        for word, _ in rules:
            if word in text:
                engine.declare(Fact(word=word))
        engine.run()
        return engine.said[0] if engine.said else ""

    return answer


def main() -> None:
    given = json.load(sys.stdin)
    answer = {"aiml": aiml, "experta": experta}[sys.argv[1]](given["rules"])
    taken, answered = [], 0
    for text in given["messages"]:
        began = time.perf_counter_ns()
        said = answer(text)
        taken.append(time.perf_counter_ns() - began)
        answered += bool(said)
    print(json.dumps({"ns": taken, "answered": answered}))


if __name__ == "__main__":
    main()
