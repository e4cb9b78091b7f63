"""The companion plugin for Moodle: the ZIP, and how to install and connect it, site by site."""

import io

from flask import Blueprint, g, render_template, send_file
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from records.models import Site
from service import links, plugin_zip
from service.context import context

blueprint = Blueprint("plugin", __name__)


@blueprint.get("/moodle-plugin")
def show() -> str:
    """What the plugin is for, and the steps."""
    here = context()
    with Session(here.engine) as session:
        sites = session.execute(select(Site.slug, Site.name, Site.wwwroot).order_by(Site.name)).all()
    addresses = [(site, links.webhook_address(here.settings, site.slug)) for site in sites]
    return render_template(
        "plugin.html",
        who=g.signed_in,
        plugin=_built(),
        addresses=addresses,
        commands=links.connecting_commands,
        add_command=links.ADD_SITE,
    )


@blueprint.get("/moodle-plugin/download")
def download() -> Response:
    """The ZIP."""
    made = plugin_zip.build()
    return send_file(io.BytesIO(made.data), "application/zip", as_attachment=True, download_name=made.name)


def _built() -> plugin_zip.PluginZip | None:
    try:
        return plugin_zip.build()
    except plugin_zip.PluginMissing:
        return None
