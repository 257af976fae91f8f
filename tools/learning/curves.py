"""Curves as an SVG: for each method a panel with its loss and one with its kNN."""
PANEL, GAP, EDGE = (300, 150), (70, 62), (58, 40)
COLOURS = {"ocellus": "#1b6ac9", "peer": "#d9822b"}
STYLE = ("text{font:12px sans-serif;fill:#333}.t{font-weight:bold}.f{fill:none;stroke:#999}"
         ".l{fill:none;stroke-width:1.4}.h{stroke:#777;stroke-dasharray:4 3}")


class Panel:
    """Lines of (x, y) in a frame. Marks are (y, name): dashed lines across."""

    def __init__(self, title, lines, marks=(), share=False):
        self.title, self.lines, self.marks, self.share = title, lines, marks, share
        points = [p for _, line in lines for p in line]
        heights = [y for _, y in points] + [y for y, _ in marks]
        self.right = max((x for x, _ in points), default=1)
        self.low, self.high = (0, 1) if share else (min(heights), max(heights))
        if self.low == self.high:
            self.high += 1

    def place(self, x, y, left, top):
        return (round(left + PANEL[0] * x / self.right, 1),
                round(top + PANEL[1] * (self.high - y) / (self.high - self.low), 1))

    def frame(self, left, top):
        write = "{:.0%}".format if self.share else "{:.3g}".format
        yield f'<rect class="f" x="{left}" y="{top}" width="{PANEL[0]}" height="{PANEL[1]}"/>'
        yield f'<text class="t" x="{left}" y="{top - 8}">{self.title}</text>'
        for y in (self.low, (self.low + self.high) / 2, self.high):
            height = self.place(0, y, left, top)[1] + 4
            yield f'<text x="{left - 6}" y="{height}" text-anchor="end">{write(y)}</text>'
        for x in (0, self.right):
            yield (f'<text x="{left + PANEL[0] * x / self.right}" y="{top + PANEL[1] + 16}" '
                   f'text-anchor="middle">{x}</text>')

    def draw(self, left, top):
        yield from self.frame(left, top)
        for y, name in self.marks:
            height = self.place(0, y, left, top)[1]
            yield (f'<line class="h" x1="{left}" x2="{left + PANEL[0]}" y1="{height}" '
                   f'y2="{height}"/><text x="{left + PANEL[0] - 4}" y="{height + 13}" '
                   f'text-anchor="end">{name}</text>')
        for kind, line in self.lines:
            points = " ".join("{},{}".format(*self.place(x, y, left, top)) for x, y in line)
            yield f'<polyline class="l" stroke="{COLOURS[kind]}" points="{points}"/>'


def picture(rows):
    """An SVG of rows of panels."""
    step = [PANEL[i] + GAP[i] for i in (0, 1)]
    width = EDGE[0] + max(map(len, rows)) * step[0] - 40
    height = EDGE[1] + len(rows) * step[1] - 20
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}">',
             f"<style>{STYLE}</style>", '<rect width="100%" height="100%" fill="white"/>']
    for i, row in enumerate(rows):
        for j, panel in enumerate(row):
            parts += panel.draw(EDGE[0] + j * step[0], EDGE[1] + i * step[1])
    return "\n".join(parts + ["</svg>\n"])
