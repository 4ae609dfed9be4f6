// The answer to an application, on its way (OAuth 2.0 Form Post Response Mode): without scripts, a button sends it.
document.forms.answer.submit();
