"""How many images become one picture: known to what makes such pictures and to what cuts thumbnails from them. No torch."""

COLUMNS = 8
GAP = 2  # pixels between neighbours


def side(width: int, height: int, columns: int = COLUMNS) -> tuple[int, int]:
    """Side of one image of a grid of squares and the gap beside it, from the size of the whole in pixels.

    Pictures with a gap are told from older ones without by which of the two fills the height with whole rows.
    """
    for gap in (GAP, 0):
        found, rest = divmod(width - (columns - 1) * gap, columns)
        if rest == 0 and found > 0 and (height + gap) % (found + gap) == 0:
            return found, gap
    return max(width // columns, 1), 0
