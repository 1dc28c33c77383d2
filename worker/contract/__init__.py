"""What app and worker agree on: the job, its states, names, errors, settings, and where they are kept.

Nothing here knows HTTP, torch or video codecs.
"""
