"""Pages from templates: each needs nothing but itself, and the browser fetches nothing for it."""

import base64
import hashlib
from collections.abc import Mapping
from importlib.resources import files

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from polycardia.report import wording
from polycardia.report.content import Setting


def filled(template: str, **values: object) -> str:
    """Return the page that a template of this package makes of values.

    Args:
        template: name of its file.
        values: what it calls by these names; ``script``, ``style`` and ``policy`` are there.
    """
    script, style = _text("page.js"), _text("page.css")
    return (
        _environment()
        .get_template(template)
        .render(
            script=Markup(script),  # our own file, as the style is
            style=Markup(style),
            policy=_content_policy(script),
            **values,
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("polycardia.report", ""),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "label": wording.label,
        "unit": wording.pretty_unit,
        "setting": wording.setting_text,
        "base64": lambda data: base64.b64encode(data).decode("ascii"),
        "outcome": lambda status: status.replace("_", " "),
    }
    environment.tests |= {
        "section": lambda value: isinstance(value, Mapping),
        "described": lambda value: isinstance(value, Setting),
    }
    return environment


def _content_policy(script: str) -> str:
    """Return a policy that lets the browser fetch nothing and run this one script."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")
    allowed = f"img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; {allowed}"


def _text(name: str) -> str:
    return files("polycardia.report").joinpath(name).read_text(encoding="utf-8")
