"""平台收付通: a platform, its sub-merchants, and money that waits in theirs until it is divided.

media.py       pictures for an application
onboarding.py  an owner applies, and gets a sub_mchid
trades.py      order, query, close for a sub-merchant
refunds.py     from what is frozen, or from the sub-merchant's balance once it is released
sharing.py     the platform's commission, and the release of the rest
books.py       what lies where: every fen that any of them moves
bills.py       a day of those books, as a file in yuan
"""
