"""A flame graph as SVG: the width of a frame is its share of the samples, what it calls stands on it. Pure."""

from xml.sax.saxutils import escape

from measure.folding import KERNEL

WIDTH = 1200
SIDE = 10
ROW = 17
HEAD, FOOT = 46, 12
LEAST_WIDTH = 0.4
CHARACTER = 6.6

STYLE = """
text { font: 11px ui-monospace, "DejaVu Sans Mono", monospace; fill: #1f2328; }
.title { font: 600 15px system-ui, "DejaVu Sans", sans-serif; }
.note { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #57606a; }
.back { fill: #ffffff; stroke: #d0d7de; }
rect { stroke: #ffffff; stroke-width: 0.6; }
.kernel { fill: #f2b07a; } .ours { fill: #8fbdf0; } .other { fill: #b9c0c8; }
g:hover > rect { stroke: #1f2328; stroke-width: 1.2; }
"""


class Node:
    def __init__(self, name):
        self.name, self.count, self.children = name, 0, {}

    def depth(self):
        return 1 + max((child.depth() for child in self.children.values()), default=0)


def tree(stacks):
    root = Node("all")
    for stack, count in stacks.items():
        node = root
        node.count += count
        for name in stack:
            node = node.children.setdefault(name, Node(name))
            node.count += count
    return root


def kind(name):
    if name.endswith(KERNEL):
        return "kernel"
    return "ours" if "::" in name and not name.startswith("std::") else "other"


def draw(stacks, title, note):
    """The SVG's text."""
    root = tree(stacks)
    height = HEAD + FOOT + root.depth() * ROW
    scale = (WIDTH - 2 * SIDE) / max(root.count, 1)
    parts = [f'<rect class="back" x="0.5" y="0.5" width="{WIDTH - 1}" height="{height - 1}" rx="6"/>',
             f'<text class="title" x="{SIDE + 4}" y="22">{escape(title)}</text>',
             f'<text class="note" x="{SIDE + 4}" y="39">{escape(note)}</text>']

    def place(node, start, level):
        width = node.count * scale
        if width < LEAST_WIDTH:
            return
        x, y = SIDE + start * scale, height - FOOT - (level + 1) * ROW
        share = 100 * node.count / max(root.count, 1)
        room = int((width - 6) / CHARACTER)
        shown = node.name if len(node.name) <= room else node.name[:room - 2] + ".." if room > 4 else ""
        text = f'<text x="{x + 3:.1f}" y="{y + 12.5:.1f}">{escape(shown)}</text>' if shown else ""
        parts.append(f'<g><title>{escape(node.name)}: {node.count:,} samples, {share:.2f} %</title><rect '
                     f'class="{kind(node.name)}" x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW}"/>{text}</g>')
        for name in sorted(node.children):
            place(node.children[name], start, level + 1)
            start += node.children[name].count

    place(root, 0, 0)
    body = "\n".join(parts)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">\n'
            f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n{body}\n</svg>\n")
