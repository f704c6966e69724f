# SPDX-FileCopyrightText: The Firebrick contributors
# SPDX-License-Identifier: BSD-2-Clause
"""Writes the wiring of a camera for docs/camera.md, a table and a drawing, from the boards' pins: `python scripts/camera_wiring.py`."""

from html import escape
from pathlib import Path

from firebrick.hw.boards.registry import board
from firebrick.hw.boards.standalone_ports import usual_pins

DOCS = Path(__file__).parents[1] / "docs"
PAGE, DRAWING = DOCS / "camera.md", DOCS / "images" / "camera_wiring.svg"
START, END = "<!-- wiring -->\n", "<!-- /wiring -->\n"
BOARDS = {"ulx3s_85f": "ULX3S", "ecpix5_85f": "ECPIX-5"}
ROWS = (
    ("scl", "vsync", "pclk", "d7", "d5", "d3", "d1", "reset"),
    ("sda", "href", "xclk", "d6", "d4", "d2", "d0", "pwdn"),
)
"""The two rows of a module's pins, behind 3V3 and GND."""
PRINTED = {"scl": "SCL, SIOC", "sda": "SDA, SIOD", "vsync": "VS, VSYNC", "href": "HS, HREF", "pclk": "PLK, PCLK", "xclk": "XLK, XCLK, MCLK"}
"""What modules print beside a pin, where it differs from the signal's name."""
TO_CAMERA, BOTH = ("xclk", "reset", "pwdn"), ("scl", "sda")
WIDTH, HEIGHT, STEP = 760, 330, 28
STYLE = """
text { font: 13px system-ui, sans-serif; fill: #2b2622 }
.card { fill: #fffdfb } .strip { fill: #efe7df } .wire { fill: none; stroke: #b5532a; stroke-width: 2 }
.supply { stroke: #7a1f1f } .ground { stroke: #444 } .clock { stroke: #2a6fb5 } .head { font-weight: 600 } .pin { fill: #2b2622 }
"""


def label(pin: str) -> str:
    """What is printed beside a board's pin: gp0, or pin 7 of PMOD 0."""
    connector, number = pin.split(":")
    if connector == "gpio_0":
        return f"g{'p' if number.endswith('+') else 'n'}{number[:-1]}"
    return f"PMOD {connector[-1]}, pin {number}"


def site(name: str, pin: str) -> str:
    """The FPGA's pin."""
    connector, number = pin.split(":")
    ports = {f"{one.name}_{one.number}": one.mapping for one in board(name).platform().connectors.values()}
    return str(ports[connector][number])


def table() -> str:
    """Each pin of the module with its pin on each board."""
    rows = [("module", "signal", "direction", *BOARDS.values()), ("---",) * (3 + len(BOARDS))]
    rows.append(("3V3, GND", "", "", *("3.3 V and ground of the same connector",) * len(BOARDS)))
    for pair in zip(*ROWS, strict=True):
        for name in pair:
            way = "to the camera" if name in TO_CAMERA else "both ways, open drain" if name in BOTH else "to the FPGA"
            pins = {key: (usual_pins("camera", key) or {})[name] for key in BOARDS}
            cells = [f"{label(pin)} ({site(key, pin)})" for key, pin in pins.items()]
            rows.append((PRINTED.get(name, name.upper()), f"`{name}`", way, *cells))
    return "".join(f"| {' | '.join(row)} |\n".replace("|  |", "| |").replace("|  |", "| |") for row in rows)


def drawing() -> str:
    """The module's two rows of pins, and the rows gp and gn of a ULX3S's header, with their wires."""
    pins = usual_pins("camera", "ulx3s_85f") or {}
    title = "An OV7670 module at the header of a ULX3S: each row of the module to a row of the header"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img" '
        f'aria-label="{title}">',
        f"<title>{title}</title>\n<style>{STYLE}</style>",
        f'<rect class="card" width="{WIDTH}" height="{HEIGHT}" rx="12"/>',
    ]
    for side, (names, supply) in enumerate(zip(ROWS, ("3V3", "GND"), strict=True)):
        left = 30 + side * (WIDTH // 2)
        module, header = left + 110, left + 240
        heights = {name: 82 + STEP * (place + 1) for place, name in enumerate(names)}
        parts += [
            f'<text class="head" x="{left}" y="38">module, row of {supply}</text>',
            f'<text class="head" x="{header}" y="38">header, g{"pn"[side]}</text>',
            f'<rect class="strip" x="{module - 8}" y="66" width="16" height="{STEP * 9}" rx="4"/>',
            f'<rect class="strip" x="{header - 8}" y="66" width="16" height="{STEP * 9}" rx="4"/>',
            *_wire(module, 82, header, 82, PRINTED.get(supply, supply), supply, "supply" if side == 0 else "ground"),
        ]
        for name, y in heights.items():
            to = 82 + STEP * (int(pins[name].split(":")[1][:-1]) + 1)
            kind = "clock" if name in ("pclk", "xclk") else ""
            parts += _wire(module, y, header, to, PRINTED.get(name, name.upper()).split(",")[0], label(pins[name]), kind)
    return "\n".join([*parts, "</svg>\n"])


def _wire(x: int, y: int, to_x: int, to_y: int, left: str, right: str, kind: str) -> list[str]:
    middle = (x + to_x) // 2
    return [
        f'<path class="wire {kind}" d="M{x} {y}C{middle} {y} {middle} {to_y} {to_x} {to_y}"/>',
        f'<circle class="pin" cx="{x}" cy="{y}" r="4"/><circle class="pin" cx="{to_x}" cy="{to_y}" r="4"/>',
        f'<text x="{x - 16}" y="{y + 5}" text-anchor="end">{escape(left)}</text>',
        f'<text x="{to_x + 16}" y="{to_y + 5}">{escape(right)}</text>',
    ]


def written(page: str) -> str:
    """The page with its table made anew."""
    before, rest = page.split(START)
    return before + START + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
    DRAWING.write_text(drawing())
