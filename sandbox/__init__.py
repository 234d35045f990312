"""What a laptop lacks of WeChat. Never imported by the product, and never importing it: the two
meet on sockets only, so that a mistake in one is not repeated by the other.
"""
