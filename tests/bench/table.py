"""The results as a table in Markdown and as a chart in SVG."""

import html

OTHERS = ("maildir", "sdbox", "mdbox")


def median(values):
    ordered = sorted(values)
    return ordered[len(ordered) // 2]


def spread(values):
    """Half the distance of the quartiles, in per cent of the median."""
    ordered = sorted(values)
    n = len(ordered)
    middle = median(ordered)
    if n < 3 or middle == 0:
        return 0
    return 50 * (ordered[3 * n // 4] - ordered[n // 4]) / middle


def values(results, row, kind, name="value"):
    return [f[name] for f in results[row.name].get(kind, []) if name in f]


def ratio(results, row):
    """Ours to the best of the others, so that more is better."""
    ours = values(results, row, "tinpost")
    others = [median(v) for k in OTHERS if (v := values(results, row, k))]
    if not ours or not others:
        return None
    if row.is_more_better:
        return median(ours) / max(others)
    return min(others) / median(ours)


def number(value):
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def cell(results, row, kind):
    found = values(results, row, kind)
    if not found:
        return ""
    return f"{number(median(found))}{row.unit} ±{spread(found):.0f}%"


def is_met(results, row):
    """None: nothing is promised."""
    if row.most is not None:
        return median(values(results, row, "tinpost")) <= row.most
    if row.target is None:
        return None
    return ratio(results, row) >= row.target


def verdict(results, row):
    times = ratio(results, row)
    if times is None:
        return "", ""
    if row.most is not None:
        word = "met" if is_met(results, row) else "missed"
        return f"{times:.1f}", f"at most {row.most}{row.unit} {word}"
    if row.target is None:
        return f"{times:.1f}", ""
    met = "met" if times >= row.target else "missed"
    return f"{times:.1f}", f"{row.target} {met}"


def lines(rows):
    width = [max(len(r[i]) for r in rows) for i in range(len(rows[0]))]
    out = []
    for n, row in enumerate(rows):
        out.append("| " + " | ".join(
            c.ljust(w) for c, w in zip(row, width)) + " |")
        if n == 0:
            out.append("|" + "|".join("-" * (w + 2) for w in width) + "|")
    return "\n".join(out)


def markdown(rows, results, about):
    main = [["", "Tinpost", *OTHERS, "times the best", "target"]]
    for row in rows:
        main.append([row.name, *(cell(results, row, k)
                                 for k in ("tinpost",) + OTHERS),
                     *verdict(results, row)])
    more = [["", "server", "median ms", "99 % ms", "CPU ms", "of the load",
             "KB written",
             "flushes"]]
    for row in rows:
        for kind in ("tinpost",) + OTHERS:
            figures = [values(results, row, kind, name) for name in (
                "p50_ms", "p99_ms", "cpu_ms", "load_ms", "written_kb",
                "flushes")]
            if any(figures):
                more.append([row.name, kind, *(
                    f"{median(f):.3f}" if f else "" for f in figures)])
    return (
        f"`{about['command']}` on {about['date']}, {about['machine']}; "
        f"{about['rounds']} interleaved rounds, {about['minutes']:.0f} "
        "minutes. Medians, with half the distance of the quartiles. The "
        "others are Postfix + Dovecot with these mailbox formats.\n\n"
        + lines(main) + "\n\nFor each message or command:\n\n"
        + lines(more) + "\n")


def svg(rows, results):
    """Bars of the ratios, on a logarithmic scale of whole doublings."""
    # (what is promised as such is no matter of ratios)
    shown = [(row, t) for row in rows
             if row.most is None and (t := ratio(results, row))]
    left, width, step = 260, 420, 24
    height = step * len(shown) + 60
    most = max([t for _, t in shown] + [row.target or 1 for row, _ in shown]
               + [2])
    n_marks = 1
    while 2 ** n_marks < most:
        n_marks += 1

    def x(times):
        times = max(times, 1 / 4)
        doublings = 0.0
        while times >= 2:
            times /= 2
            doublings += 1
        while times < 1:
            times *= 2
            doublings -= 1
        return left + width * max(0, doublings + times - 1) / n_marks

    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 '
        f'{left + width + 70} {height}" font-family="sans-serif" '
        'font-size="13">',
        '<text x="8" y="18">Times the best of Postfix + Dovecot; the mark '
        'is the target</text>',
    ]
    for i in range(n_marks + 1):
        at = x(2 ** i)
        out.append(f'<line x1="{at:.0f}" y1="28" x2="{at:.0f}" '
                   f'y2="{height - 20}" stroke="#ddd"/>')
        out.append(f'<text x="{at:.0f}" y="{height - 6}" fill="#666" '
                   f'text-anchor="middle">{2 ** i}</text>')
    for i, (row, times) in enumerate(shown):
        y = 32 + i * step
        fine = is_met(results, row) is not False
        out.append(f'<text x="{left - 8}" y="{y + 13}" text-anchor="end">'
                   f'{html.escape(row.name)}</text>')
        out.append(f'<rect x="{left}" y="{y}" height="16" '
                   f'width="{x(times) - left:.0f}" '
                   f'fill="{"#2a7ab0" if fine else "#c0504d"}"/>')
        out.append(f'<text x="{x(times) + 5:.0f}" y="{y + 13}">'
                   f'{times:.1f}</text>')
        if row.target:
            out.append(f'<line x1="{x(row.target):.0f}" y1="{y - 2}" '
                       f'x2="{x(row.target):.0f}" y2="{y + 18}" '
                       'stroke="#000" stroke-width="2"/>')
    return "\n".join(out + ["</svg>"]) + "\n"
