"""Samples by name, taken once in each alternation; medians, spreads, and ratios of samples of the same alternation."""

from statistics import median


class Figures:
    """All samples of one run."""

    def __init__(self):
        self.samples = {}

    def record(self, name, value):
        self.samples.setdefault(name, []).append(float(value))

    def get(self, name):
        return self.samples.get(name, [])

    def ratio(self, name, to):
        """Sample by sample: both were taken within one alternation, and so under the same noise."""
        return [a / b for a, b in zip(self.get(name), self.get(to)) if b]


def number(value):
    """Three significant digits, thousands separated."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def show(samples, unit=""):
    """Median and spread; a dash without samples."""
    if not samples:
        return "–"
    unit = f" {unit}" if unit else ""
    if len(samples) == 1:
        return f"{number(samples[0])}{unit}"
    return f"{number(median(samples))}{unit} ({number(min(samples))}–{number(max(samples))})"


class Row:
    """One row of the table: what, how it compares, what was wanted, and whether it was reached."""

    def __init__(self, what, measured, against, compared, reach, samples, limit, at_least=False):
        self.cells = [what, measured, against, compared, reach]
        self.wants_nothing = limit is None
        if not samples or limit is None:
            self.reached = None
        else:
            middle = median(samples)
            self.reached = middle >= limit if at_least else middle <= limit

    def texts(self):
        """Every cell as it is shown, the verdict last."""
        nothing = "–" if self.wants_nothing else "not measured"
        return [*self.cells, {True: "yes", False: "**no**", None: nothing}[self.reached]]

    def markdown(self):
        return "| " + " | ".join(self.texts()) + " |"


HEAD = "| what | measured | floor or peer | ratio | reach | reached |\n|---|---:|---:|---:|---:|---|"


def table(rows):
    return "\n".join([HEAD, *(row.markdown() for row in rows)])
