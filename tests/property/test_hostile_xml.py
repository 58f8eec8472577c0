"""Whatever bytes come as XML: they are read as another parser reads them, or refused by one kind of error."""

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from retentiond.domain.errors import UnreachableError
from retentiond.sources.hostile_xml import Element, read_xml

NAMES = st.sampled_from(["a", "b", "Media", "XAddr"])
TEXTS = st.text(st.sampled_from("x \n\u00e4\U0001f600<&]"), max_size=6)


def trees() -> st.SearchStrategy[ElementTree.Element]:
    def with_children(name: str, text: str, tail: str, children: list[ElementTree.Element]) -> ElementTree.Element:
        made = ElementTree.Element(name)
        made.text, made.tail = text, tail
        made.extend(children)
        return made

    leaves = st.builds(with_children, NAMES, TEXTS, TEXTS, st.just([]))
    return st.recursive(
        leaves,
        lambda inner: st.builds(with_children, NAMES, TEXTS, TEXTS, st.lists(inner, max_size=3)),
        max_leaves=8,
    )


def same(ours: Element, theirs: ElementTree.Element) -> bool:
    text = (theirs.text or "") + "".join(child.tail or "" for child in theirs)
    return (
        (ours.name, ours.text) == (theirs.tag, text)
        and len(ours.children) == len(theirs)
        and all(map(same, ours.children, theirs))
    )


@given(trees())
def test_a_document_is_read_as_another_parser_reads_it(tree: ElementTree.Element) -> None:
    tree.tail = None
    data = ElementTree.tostring(tree, encoding="utf-8")
    assert same(read_xml(data, "x"), ElementTree.fromstring(data))


HEADS = st.sampled_from(
    ["", *(f'<?xml version="1.0" encoding="{name}"?>' for name in ("rot13", "hex", "zip", "idna", "cp037", "utf-16"))]
)


@given(
    HEADS,
    st.one_of(st.binary(max_size=60), trees().map(ElementTree.tostring)),
    st.binary(max_size=8),
    st.integers(0, 60),
)
def test_bytes_are_read_or_refused(head: str, data: bytes, inserted: bytes, at: int) -> None:
    try:
        read_xml(head.encode() + data[:at] + inserted + data[at:], "x")
    except UnreachableError as error:
        assert str(error).startswith("x: its answer ")
