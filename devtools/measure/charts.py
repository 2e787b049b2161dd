"""Charts as SVG text: bars side by side, and spans on a logarithmic axis. Pure.

A chart paints its own background, light or dark as its reader's system is, so that its text is legible on any page."""

import math
from xml.sax.saxutils import escape

WIDTH = 760
LEFT = 170  # of the plot; before it stand the names of the groups
RIGHT = 90  # behind it is room for the longest figure
TOP = 70
BAR, BAR_GAP, GROUP_GAP = 15, 3, 16
AXIS = 48

COLOURS = {  # server: (light, dark); told apart with any eyesight by lightness too
    "martlet": ("#0b5cad", "#58a6ff"),
    "martlet-2": ("#5b3a9e", "#b392f0"),
    "mosquitto": ("#d9822b", "#f0a04b"),
    "floor": ("#9aa4ae", "#6e7781"),
}

STYLE = """
text { font: 13px system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; fill: #1f2328; }
.title { font-size: 16px; font-weight: 600; }
.small { font-size: 12px; fill: #57606a; }
.back { fill: #ffffff; stroke: #d0d7de; }
.grid { stroke: #e1e5ea; stroke-width: 1; }
.axis { stroke: #8c959f; stroke-width: 1; }
.goal { stroke: #1a7f37; stroke-width: 2.5; }
.halo { stroke: #ffffff; stroke-width: 5.5; }
.unclean { opacity: 0.45; }
"""
DARK = """
text { fill: #e6edf3; }
.small { fill: #9da7b3; }
.back { fill: #0d1117; stroke: #30363d; }
.grid { stroke: #262c36; }
.axis { stroke: #6e7681; }
.goal { stroke: #3fb950; }
.halo { stroke: #0d1117; }
"""


def style(dark=None):
    """The style sheet; `dark` True or False fixes what else the reader's system says."""
    light_rules = STYLE + "".join(f".{name} {{ fill: {c[0]}; stroke: {c[0]}; }}\n" for name, c in COLOURS.items())
    dark_rules = DARK + "".join(f".{name} {{ fill: {c[1]}; stroke: {c[1]}; }}\n" for name, c in COLOURS.items())
    if dark is not None:
        return light_rules + (dark_rules if dark else "")
    return f"{light_rules}@media (prefers-color-scheme: dark) {{{dark_rules}}}\n"


def steps(most, wanted=6):
    """Round values from 0 on that reach `most`: what the axis is marked with."""
    if most <= 0:
        return [0, 1]
    raw = most / wanted
    size = 10 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= raw * 0.999)
    return [step * i for i in range(math.ceil(most / step * 0.999) + 1)]


def decades(least, most):
    """(first, last) power of ten around all values."""
    first, last = math.floor(math.log10(least)), math.ceil(math.log10(most))
    return first, max(last, first + 1)


def short(value):
    """The shortest exact text of an axis mark."""
    for size, unit in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.10g}{unit}"
    return f"{value:.10g}"


class Drawing:
    def __init__(self, title, axis, groups, names, *, marks, position, legend_goal):
        """`groups`: [(label, rows)]; `marks`: [(value, text)]; `position`: value to x."""
        self.position, self.parts = position, []
        self.height = TOP + sum(GROUP_GAP + len(rows) * (BAR + BAR_GAP) for _, rows in groups) + AXIS
        bottom = self.height - AXIS + 6
        self._head(title, names, legend_goal)
        for value, text in marks:
            x = position(value)
            self.line(x, TOP, x, bottom, "grid")
            self.text(x, bottom + 16, text, "small", "middle")
        self.line(LEFT, TOP, LEFT, bottom, "axis")
        self.text((LEFT + WIDTH - RIGHT) / 2, bottom + 34, axis, "small", "middle")

    def _head(self, title, names, legend_goal):
        self.parts.append(f'<rect class="back" x="0.5" y="0.5" width="{WIDTH - 1}" height="{self.height - 1}" rx="6"/>')
        self.text(20, 28, title, "title")
        x = 20
        for server, name in names.items():
            self.parts.append(f'<rect class="{server}" x="{x}" y="41" width="12" height="12"/>')
            self.text(x + 18, 52, name)
            x += 34 + 7.5 * len(name)
        if legend_goal:
            self.line(x + 6, 40, x + 6, 54, "goal")
            self.text(x + 16, 52, legend_goal)

    def text(self, x, y, text, kind="", anchor="start"):
        kind = f' class="{kind}"' if kind else ""
        anchor = f' text-anchor="{anchor}"' if anchor != "start" else ""
        self.parts.append(f'<text x="{x:g}" y="{y:g}"{kind}{anchor}>{escape(text)}</text>')

    def line(self, x1, y1, x2, y2, kind):
        self.parts.append(f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')

    def svg(self, title, dark):
        body = "\n".join(self.parts)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {self.height}" width="{WIDTH}" '
                f'height="{self.height}" role="img" aria-label="{escape(title, {chr(34): "&quot;"})}">\n'
                f"<title>{escape(title)}</title>\n<style>{style(dark)}</style>\n{body}\n</svg>\n")


def bars(title, axis, groups, names, dark=None):
    """Horizontal bars. `groups`: [(label, [{"server", "value", "text", "clean", "goal"}])]; `goal` may be missing."""
    values = [row[key] for _, rows in groups for row in rows for key in ("value", "goal") if row.get(key)]
    marks = steps(max(values, default=1))
    scale = (WIDTH - LEFT - RIGHT) / marks[-1]
    drawing = Drawing(title, axis, groups, names, marks=[(mark, short(mark)) for mark in marks],
                      position=lambda value: LEFT + value * scale,
                      legend_goal="goal" if any(row.get("goal") for _, rows in groups for row in rows) else "")
    y = TOP
    for label, rows in groups:
        y += GROUP_GAP
        drawing.text(LEFT - 10, y + (len(rows) * (BAR + BAR_GAP) - BAR_GAP) / 2 + 4, label, "", "end")
        for row in rows:
            clean, width = row.get("clean", True), max(1, row["value"] * scale)
            drawing.parts.append(f'<rect class="{row["server"]}{"" if clean else " unclean"}" x="{LEFT}" y="{y}" '
                                 f'width="{width:.1f}" height="{BAR}" stroke="none"/>')
            goal_x = drawing.position(row["goal"]) if row.get("goal") else 0
            if goal_x:
                drawing.line(goal_x, y, goal_x, y + BAR, "halo")
                drawing.line(goal_x, y - 2, goal_x, y + BAR + 2, "goal")
            text_x = LEFT + width + 5
            if text_x - 4 < goal_x < text_x + 7 * len(row["text"]):
                text_x = goal_x + 6  # beside the goal's mark
            drawing.text(text_x, y + BAR - 3, row["text"] + ("" if clean else " (not clean)"), "small")
            y += BAR + BAR_GAP
    return drawing.svg(title, dark)


def spans(title, axis, groups, names, dark=None):
    """From one value to a higher one on a logarithmic axis. `groups`: [(label, [{"server", "from", "to", "text",
    "clean"}])]."""
    values = [row[key] for _, rows in groups for row in rows for key in ("from", "to")]
    first, last = decades(min(values, default=1), max(values, default=10))
    scale = (WIDTH - LEFT - RIGHT) / (last - first)

    def position(value):
        return LEFT + (math.log10(value) - first) * scale

    marks = [(10.0 ** power, short(10.0 ** power)) for power in range(first, last + 1)]
    drawing = Drawing(title, axis, groups, names, marks=marks, position=position, legend_goal="")
    y = TOP
    for label, rows in groups:
        y += GROUP_GAP
        drawing.text(LEFT - 10, y + (len(rows) * (BAR + BAR_GAP) - BAR_GAP) / 2 + 4, label, "", "end")
        for row in rows:
            middle, begin, end = y + BAR / 2, position(row["from"]), position(row["to"])
            kind = row["server"] + ("" if row.get("clean", True) else " unclean")
            drawing.parts.append(f'<line class="{kind}" stroke-width="3" x1="{begin:.1f}" y1="{middle}" '
                                 f'x2="{end:.1f}" y2="{middle}"/>')
            drawing.parts.append(f'<circle class="{kind}" cx="{begin:.1f}" cy="{middle}" r="5"/>')
            drawing.parts.append(f'<rect class="{kind}" x="{end - 4:.1f}" y="{middle - 4:.1f}" width="8" height="8"/>')
            drawing.text(end + 10, y + BAR - 3, row["text"], "small")
            y += BAR + BAR_GAP
    return drawing.svg(title, dark)
