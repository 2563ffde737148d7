"""Reading CellML 1.0, 1.1 and 2.0: one file's equations as Myokit's.

The file is hostile until it has been shown to be small, flat and free of a document type; only
then does Myokit's parser see it.  Nothing outside the file is ever opened.
"""

import warnings
from typing import Any

import myokit
from lxml import etree
from myokit.formats.cellml import v1, v2

from polycardia.errors import BadModel
from polycardia.ionic.wording import sentence

PARSERS = {
    "http://www.cellml.org/cellml/1.0#": v1.CellMLParser,
    "http://www.cellml.org/cellml/1.1#": v1.CellMLParser,
    "http://www.cellml.org/cellml/2.0#": v2.CellMLParser,
}
MATHML = "http://www.w3.org/1998/Math/MathML"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"

MAX_DEPTH = 150
"""Elements within elements, which are read recursively; ten Tusscher-Panfilov 2006 has 20."""

MAX_ELEMENTS = 50_000
"""ten Tusscher-Panfilov 2006 has 2000."""

MAX_VARIABLES = 4000
"""Connected ones counted each; Myokit's time goes with the square, 2 s for this many."""

UNSUPPORTED = {
    "import": "imports another file, all must be in one",
    "reset": "has a reset rule, the kernel has no events",
    "reaction": "has a reaction, only equations are understood",
    "partialdiff": "has a partial derivative, only ordinary ones in time are understood",
    "int": "has an integral, only algebra and derivatives are understood",
}

MYOKITS_SURPRISES = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What its parsers raise, besides their own errors, at elements in places that make no sense."""


def parse_cellml(text: str, where: str, *, tolerant: bool) -> Any:
    """Return the equations of a CellML text as a `myokit.Model`.

    Time, the variable of integration, is bound; a variable with an ``oxmeta`` annotation has it
    in ``meta["oxmeta"]``.  Units are those of the text, connections between units included.

    Args:
        text: of the file.
        where: what errors call it.
        tolerant: let units pass that Myokit cannot express; they count as dimensionless.

    Raises:
        BadModel: it is not CellML, or has what a kernel cannot be made of.
    """
    root = _root(text, where)
    namespace = etree.QName(root).namespace
    if namespace not in PARSERS or etree.QName(root).localname != "model":
        raise BadModel(f"{where}: not a CellML 1.0, 1.1 or 2.0 model")
    _refuse_unsupported(root, where)
    _drop_foreign(root, namespace)
    _refuse_unknown_names(root, namespace, where)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            parsed = PARSERS[namespace]().parse(root)
            parsed.validate()
            equations = parsed.myokit_model()
        except myokit.MyokitError as error:
            raise BadModel(f"{where}: {sentence(error)}") from None
        except RecursionError:
            raise BadModel(f"{where}: equations nested too deeply") from None
        except MYOKITS_SURPRISES as error:
            raise BadModel(f"{where}: cannot be read as CellML: {sentence(error)}") from None
    for warning in told:
        said = sentence(warning.message)
        if not (tolerant and "dimensionless" in said):
            raise BadModel(f"{where}: {said}")
    _give_units_to_values(equations)
    return equations


def _give_units_to_values(equations: Any) -> None:
    """A value given as an attribute is in its variable's unit, which Myokit's parser forgets."""
    for variable in equations.variables(const=True, deep=True):
        value = variable.rhs()
        if isinstance(value, myokit.Number) and value.unit() is None:
            variable.set_rhs(myokit.Number(value.eval(), variable.unit()))


def _root(text: str, where: str) -> Any:
    """Return the root element of a text that cannot harm."""
    # Entities can be declared in a document type only: without one there is nothing to expand.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise BadModel(f"{where}: has a document type declaration, which CellML needs none of")
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise BadModel(f"{where}: not well-formed XML: {sentence(error)}") from None
    except ValueError as error:
        raise BadModel(f"{where}: not XML: {sentence(error)}") from None
    _refuse_unreasonable(root, where)
    return root


def _refuse_unreasonable(root: Any, where: str) -> None:
    depth = elements = variables = 0
    for event, element in etree.iterwalk(root, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "start":
            elements += 1
            variables += str(element.tag).endswith("}variable")
        if depth > MAX_DEPTH:
            raise BadModel(f"{where}: elements nested more than {MAX_DEPTH} deep")
    for found, most, name in (
        (elements, MAX_ELEMENTS, "elements"),
        (variables, MAX_VARIABLES, "variables"),
    ):
        if found > most:
            raise BadModel(f"{where}: {found} {name}, expected at most {most}")


def _refuse_unsupported(root: Any, where: str) -> None:
    """Name what CellML has and a kernel cannot have, before Myokit stumbles over it."""
    for element in root.iter(etree.Element):
        name = etree.QName(element)
        if name.namespace not in (*PARSERS, MATHML):
            continue
        if name.localname in UNSUPPORTED:
            raise BadModel(f"{where}: line {element.sourceline} {UNSUPPORTED[name.localname]}")
        if name.localname == "csymbol":
            symbol = element.get("definitionURL", "").rpartition("/")[2] or "unknown"
            what = "a delay" if symbol == "delay" else f"the symbol {symbol}"
            raise BadModel(
                f"{where}: line {element.sourceline} has {what}, "
                "only ordinary differential equations are understood"
            )


def _refuse_unknown_names(root: Any, namespace: str, where: str) -> None:
    """Name a variable that an equation's component does not have; Myokit only says so."""
    for component in root.iter(f"{{{namespace}}}component"):
        known = {each.get("name") for each in component.iter(f"{{{namespace}}}variable")}
        for element in component.iter(f"{{{MATHML}}}ci"):
            name = (element.text or "").strip()
            if name not in known:
                raise BadModel(
                    f"{where}: line {element.sourceline}: component {component.get('name')!r} has "
                    f"no variable {sentence(name)!r}"
                )


def _drop_foreign(root: Any, namespace: str) -> None:
    """Remove documentation and other tools' elements; they are no part of the equations."""
    known = (namespace, MATHML, RDF, *PARSERS)
    for element in list(root.iter(etree.Element)):
        parent = element.getparent()
        inside_rdf = any(etree.QName(outer).namespace == RDF for outer in element.iterancestors())
        if parent is not None and not inside_rdf and etree.QName(element).namespace not in known:
            parent.remove(element)
