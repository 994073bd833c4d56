"""What is kept: tables, transactions, encryption, migrations. Knows nothing of the bot."""
