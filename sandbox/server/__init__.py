"""WeChat's login, messages and payment, small enough for a laptop, strict where WeChat is strict,
faulty on demand.

python -m sandbox.server --port 9100 --run-dir .run/wechat --faults 0.05 --seed 7

keys.py      who the merchant and the platform are; made once, kept in the run directory
crypto.py    signatures and seals, written apart from the product's
store.py     codes, trades, refunds, notifications: sqlite in the run directory
faults.py    what goes wrong, and when
gate.py      middlewares: faults, the merchant's signature in, the platform's signature out
rules.py     waits, limits and fees, which a tester may bend
login.py     /sns, messages.py /cgi-bin and /wxa
ecommerce/   /v3/pay/partner and /v3/ecommerce: a platform and its sub-merchants
notify.py    signed notifications, sent again until they are heard
phone.py     /sandbox: the user's finger on the phone, and the tester's on everything else
"""
