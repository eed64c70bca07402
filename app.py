"""The web app: `python app.py`. The page is in `parsing/web/`, the models behind it in `parsing/models/`."""

from parsing.web.serve import main

if __name__ == "__main__":
    main()
