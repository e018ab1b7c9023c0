"""One file a problem; its name is the word in the deck."""
