"""What is pure of the page: `python3 -m unittest discover -s benches -t .`"""
