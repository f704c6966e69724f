# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""`firebrick serve`: a live view in the browser."""

import ipaddress

import click

from ..zoo import catalogue
from .board_camera import SOURCE, WITHOUT_BOARD, open_camera, without_camera
from .common import device_option, json_option, lanes_option, model_option, open_device_with_progress, print_json

MEGABYTE = 10**6


@click.command("serve")
@device_option
@model_option
@lanes_option
@click.option("--host", default="127.0.0.1", show_default=True, metavar="H", help="Address to listen on; 0.0.0.0 for all.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, metavar="P", help="Port to listen on; 0 for any free one."
)
@click.option("--upload-limit", type=click.IntRange(1), default=200, show_default=True, metavar="MB", help="Maximum size of an upload.")
@click.option(
    "--allow-host",
    multiple=True,
    metavar="NAME,..",
    help="Further names in the browser's address bar, such as that of a reverse proxy; may be given several times.",
)
@json_option
@click.argument("source", default="pattern")
def command(
    source: str,
    device: str,
    model: str,
    lanes: int,
    host: str,
    port: int,
    upload_limit: int,
    allow_host: tuple[str, ...],
    as_json: bool,
) -> None:
    """Serve a live view of the predictions to browsers.

    The page shows the frame, its top-5 classes, frame rate and latency, the device's counters, and the engines' utilisation as planned for
    --lanes multipliers. SOURCE is as for `firebrick stream`; on the page, users select the test pattern or the browser's camera, or upload
    an image or a video. With SOURCE board-camera, or by a button, it shows what a board's own camera sees: the labels that the board finds,
    its counters, and when asked for a picture as the network saw it, its scores compared with the golden model's. All browsers show the
    same. There is no password: with another --host, everyone who reaches this machine can view and upload. Browsers may open the page by an
    IP address, as localhost, by this machine's name, also with .local, and by the names of --allow-host. The JSON document is {url, device,
    model, network}, printed when the server is ready.

    \b
    Example: firebrick serve --device golden holiday.mp4
    """
    from ..serve.server import check_packages, listen, run_server

    check_packages()
    from firebrick.sim.open_device import open_device

    from ..serve.app import create_app
    from ..serve.board_view import BoardView
    from ..serve.live_streamer import LiveStreamer
    from ..serve.pipeline_view import describe_input, describe_pipeline
    from ..serve.request_guard import parse_host_names
    from ..serve.upload_folder import upload_folder
    from ..serve.uploads import Uploads
    from ..stream.open_source import open_source
    from ..stream.runner import SIGNAL_STATUS, interruptible
    from ..stream.source import FrameSource

    try:
        allowed = parse_host_names(allow_host)
    except ValueError as problem:
        raise click.BadParameter(str(problem), param_hint="'--allow-host'") from problem
    loaded = catalogue.load(model)
    resize = loaded.preprocessing.resize

    def board_view() -> BoardView:
        return BoardView(lambda: open_camera(device, loaded))

    def initial_source() -> FrameSource | BoardView:
        return board_view() if source == SOURCE else open_source(source, resize)

    has_board = device not in WITHOUT_BOARD
    if source == SOURCE and not has_board:
        raise without_camera(device)

    first = initial_source()
    with listen(host, port) as bound, upload_folder() as folder:
        opened = open_device_with_progress(device, loaded, lanes)
        network = loaded.network.name
        limit = upload_limit * MEGABYTE
        about = {
            "device": device,
            "network": network,
            "given": source,
            "board": has_board,
            "input": describe_input(loaded),
            "upload_limit": limit,
            "pipeline": describe_pipeline(loaded, lanes),
        }
        streamer = LiveStreamer(opened, lambda: open_device(device, loaded, lanes=lanes), about)
        streamer.show(first)
        shown = f"[{host}]" if ":" in host else host
        url = f"http://{shown}:{bound.getsockname()[1]}/"
        if not _is_local(host):
            click.echo(f"Warning: {url} can be used by everyone who reaches this machine; there is no password.", err=True)
        if as_json:
            print_json({"url": url, "device": device, "model": model, "network": network})
        else:
            click.echo(f"Open {url} in a browser; Ctrl-C ends the server.")
        with interruptible(lambda: None) as signals:
            uploads = Uploads(folder, limit, loaded)
            run_server(create_app(streamer, uploads, initial_source, host, allowed, board_view if has_board else None), bound)
    if signals:
        click.get_current_context().exit(SIGNAL_STATUS + signals[0])


def _is_local(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
