"""WeChat, from login to payment: its calls, its signatures, its notifications."""
