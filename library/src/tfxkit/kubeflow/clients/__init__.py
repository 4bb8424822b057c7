"""Clients of the backends, a module each, by means of the backends' official clients.

Each has `submit(request, config)`.
"""
