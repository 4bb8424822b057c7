"""The backends that can be submitted to, a folder each, by means of their official clients.

A folder has `submit(request, config)`. Taking one away takes the target away.
"""
