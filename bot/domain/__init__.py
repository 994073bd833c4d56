"""The rules: linking, refreshing, publishing, health, incidents. Free of Slack, of HTTP and of SQL text."""
