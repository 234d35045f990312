"""What follows in the chat. Pure: `talk` (who may say and see what), `chain` (evidence), `wording` (Chinese phrases)."""
