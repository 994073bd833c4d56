"""Twins of the social platforms on loopback; `twins.create_platform_routes` puts them together."""
