"""What happens unasked: relay, inboxes, timers. A worker is `run_once()` and the one shared loop."""
