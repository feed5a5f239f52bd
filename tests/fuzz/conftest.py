"""The table at the end: how each door answered."""

COLUMNS = ("door", "tried", "clear", "accepted", "raw", "slow", "grown_mib")


def pytest_terminal_summary(terminalreporter):
    reports = [r for kind in ("passed", "failed") for r in terminalreporter.stats.get(kind, ())]
    rows = [row for r in reports for name, row in r.user_properties if name == "outcomes"]
    if not rows:
        return
    terminalreporter.section("doors")
    cells = [[str(row.get(name, 0)) for name in COLUMNS] for row in rows]
    wide = max(len(row[0]) for row in cells)
    for first, *others in [COLUMNS, *sorted(cells)]:
        terminalreporter.write_line(f"{first:{wide}}" + "".join(f"{c:>10}" for c in others))
