"""MySQL (or MariaDB): pools, transactions, migrations, the outbox and the inbox."""
