"""What is owed: escrow ledger, payments, deposits, refunds, settlement."""
