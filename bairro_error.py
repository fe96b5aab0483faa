"""The root of the errors that are told to people; collector, dashboard and demo derive theirs from it."""


class BairroError(Exception):
    """Something that whoever runs Bairro can see to: the message is the sentence that they read, without a traceback.

    Its kinds keep the built-in error that they are too (``ValueError``, ``OSError``, ...), for whom that is enough.
    """
