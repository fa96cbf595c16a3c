"""Settings for nbgrader: the sources in solutions/ become the releases in exercises/.

`make exercises` uses them, and so does an instructor's `nbgrader generate_assignment 03_forward`.
"""

c = get_config()  # noqa: F821, nbgrader defines it

c.CourseDirectory.course_id = "minibs4nn"
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"
c.CourseDirectory.submitted_directory = "build/submitted"
c.CourseDirectory.autograded_directory = "build/autograded"
c.CourseDirectory.feedback_directory = "build/feedback"
c.CourseDirectory.db_url = "sqlite:///gradebook.db"

# nbgrader copies every other file of a folder into the release; the .md beside a notebook is the
# same notebook with all its solutions.
c.CourseDirectory.ignore = [".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback", "*.md"]

c.ClearSolutions.code_stub = {"python": "raise NotImplementedError  # your code here"}
c.ClearSolutions.text_stub = "*Your answer goes here.*"

# An endless loop in a submission ends here.
c.ExecutePreprocessor.timeout = 60
