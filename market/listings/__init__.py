"""What is offered: the catalogue, places, search and ranking."""
