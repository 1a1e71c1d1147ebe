"""What verify_demo.py is made of. It shares no code with the project: it follows docs/wire.md and the account layouts."""
