"""The asr and tts roles; the only modules that import `engines`."""
