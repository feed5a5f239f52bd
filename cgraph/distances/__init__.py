"""How far programs are from each other: by the operations they use, by edits, by transport."""
