"""What follows in the inboxes. Pure: `wording` (what is said to whom, in Chinese), `telling` (facts to notices), `inbox` (the log)."""
