import threading
import time
from types import SimpleNamespace

import pytest

from tdseg.errors import TdsegError
from tdseg.workflow.session import Example, Session


def test_classes_have_names_and_values():
    session = Session()
    session.set_classes(["wall ", "pore"])
    assert session.class_value("pore") == 2
    assert session.class_value("1") == 1
    assert session.class_name(7) == "class 7"
    with pytest.raises(TdsegError, match=r"no class 'grain'.*wall, pore"):
        session.class_value("grain")


@pytest.mark.parametrize("names", [[], [""], ["a", ""], ["a", "a"], ["x"] * 300])
def test_class_lists_that_make_no_sense_are_refused(names):
    with pytest.raises(TdsegError, match="classes"):
        Session().set_classes(names)


def trained(**classes):
    return SimpleNamespace(
        class_values=tuple(range(1, 1 + len(classes))), class_names=tuple(classes.values())
    )


def test_names_of_one_trainings_labels_do_not_name_the_next_ones():
    session = Session()
    session.adopt(trained(a="pore", b="grain", c="crack"), [])
    assert session.classes == {1: "pore", 2: "grain", 3: "crack"}
    assert session.given_classes() == {}
    session.adopt(trained(a="wall", b="class 2"), [])
    assert session.classes == {1: "wall"}
    session.set_classes(["cell", "rest"])
    session.adopt(trained(a="cell", b="rest"), [])
    assert session.given_classes() == {1: "cell", 2: "rest"}
    session.adopt(trained(a="cell", b="debris"))  # loaded
    assert session.given_classes() == {1: "cell", 2: "debris"}


def test_commands_queue_and_are_counted():
    session = Session()
    inside, overlap, seen = [], [], []

    def work(name):
        with session.job(name):
            overlap.append(len(inside))
            inside.append(name)
            time.sleep(0.05)
            seen.append((session.running, session.waiting))
            inside.remove(name)

    threads = [threading.Thread(target=work, args=(f"job {k}",)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert overlap == [0, 0, 0]
    assert max(waiting for _, waiting in seen) >= 1
    assert session.running == ""
    assert session.waiting == 0


def test_training_again_on_an_image_replaces_its_labels():
    session = Session()
    session.examples = [Example("1", None, "old"), Example("2", None, "other")]
    kept = session.examples_with([Example("1", None, "new")], append=True)
    assert [(e.key, e.labels) for e in kept] == [("2", "other"), ("1", "new")]
    assert len(session.examples_with([Example("3", None, "x")], append=False)) == 1
