"""What came of a run, as text for a terminal."""

from case import describe
from claims import bound, evidence
from ratio import figure, name_of, number, ours_of, peers_of, ratio, spread_text


def table_of(rows):
    """Of one case: a line for each figure of ours, a column for each peer with the ratio."""
    peers = list(dict.fromkeys(peer for row in rows for peer in peers_of(row)))
    lines = [("", "", "", "", *(f"to {peer}" for peer in peers), "better")]
    for row in rows:
        for contestant in ours_of(row):
            lines.append((
                describe(row["parameters"]), row["metric"], name_of(row, contestant),
                number(figure(row, contestant).middle),
                *(spread_text(ratio(row, contestant, peer)) if peer in row["figures"] else ""
                  for peer in peers), row["better"]))
    return lines


def print_tables(rows):
    for case in dict.fromkeys(row["case"] for row in rows):
        lines = table_of([row for row in rows if row["case"] == case])
        widths = [max(map(len, column)) for column in zip(*lines)]
        print(f"\n{case}")
        for line in lines:
            print("  " + "  ".join(text.ljust(width) if index < 3 else text.rjust(width)
                                   for index, (text, width) in enumerate(zip(line, widths))))


def print_steps(contestants):
    for each in contestants:
        print(f"\na notification of {each['contestant']}, median of {each['notifications']}, us")
        for step in each["steps"]:
            print(f"  {step['us']:7.2f}  {step['step']}")
        print(f"  {each['total_us']:7.2f}  in all")


def print_claims(claims):
    """How many are kept, and which are not."""
    if not claims:
        return
    print(f"\n{sum(each['kept'] for each in claims)} of {len(claims)} claims are kept; not these:")
    for each in claims:
        if not each["kept"]:
            print(f"  {each['claim']}: {bound(each)} wanted; {evidence(each)}")
