import { firstSpoken } from "../languages.ts";

/** What the page says by which a device subscribes, in one language. */
export interface PushWords {
  language: string;
  ask: string;
  hint: string;
  press: string;
  on: string;
  onHint: string;
  stop: string;
  off: string;
  denied: string;
  unsupported: string;
  failed: string;
  noScript: string;
  over: Record<"expired" | "gone" | "forged" | "notSet" | "failed" | "tooMany", readonly [title: string, text: string]>;
}

const en: PushWords = {
  language: "en",
  ask: "Get reminders on this device?",
  hint: "They are shown as notifications. You can stop that at any time.",
  press: "Yes, remind me here",
  on: "This device gets the reminders from now on.",
  onHint: "You can close this page.",
  stop: "Stop on this device",
  off: "This device gets no more reminders.",
  denied:
    "This browser doesn't allow it. Allow notifications for this page in the browser's settings, then open the link again.",
  unsupported:
    "This browser can't show notifications of a page. On an iPhone or iPad, first add this page to the Home Screen and open it from there.",
  failed: "That didn't work. Please try again in a moment.",
  noScript: "This page needs JavaScript: without it, no browser can be told where to show notifications.",
  over: {
    expired: ["This link has expired", "Ask whoever has sent it to you for a new one."],
    gone: ["There is nothing to be reminded of", "Whoever has sent you this link keeps no contact for it any more."],
    forged: ["This link doesn't work", "It may have been cut off. Open it once more from where you got it."],
    notSet: ["Not ready yet", "Whoever runs this has set up no notifications for devices."],
    failed: ["Something went wrong", "Nothing was changed. Please try again in a moment."],
    tooMany: ["Too many tries", "Please wait a minute, then try again."],
  },
};

const de: PushWords = {
  language: "de",
  ask: "Erinnerungen auf diesem Gerät?",
  hint: "Sie erscheinen als Mitteilungen. Das lässt sich jederzeit beenden.",
  press: "Ja, hier erinnern",
  on: "Dieses Gerät erhält ab jetzt die Erinnerungen.",
  onHint: "Sie können diese Seite schließen.",
  stop: "Auf diesem Gerät beenden",
  off: "Dieses Gerät erhält keine Erinnerungen mehr.",
  denied:
    "Dieser Browser lässt es nicht zu. Erlauben Sie Mitteilungen für diese Seite in den Einstellungen des Browsers und öffnen Sie den Link noch einmal.",
  unsupported:
    "Dieser Browser kann keine Mitteilungen einer Seite zeigen. Auf iPhone und iPad fügen Sie diese Seite zuerst zum Home-Bildschirm hinzu und öffnen sie von dort.",
  failed: "Das hat nicht geklappt. Bitte versuchen Sie es gleich noch einmal.",
  noScript: "Diese Seite braucht JavaScript: Ohne geht es in keinem Browser.",
  over: {
    expired: ["Dieser Link ist abgelaufen", "Bitten Sie um einen neuen, wo Sie ihn bekommen haben."],
    gone: ["Hier gibt es nichts zu erinnern", "Wer Ihnen den Link geschickt hat, führt den Kontakt dazu nicht mehr."],
    forged: [
      "Dieser Link funktioniert nicht",
      "Vielleicht wurde er abgeschnitten. Öffnen Sie ihn noch einmal dort, wo Sie ihn bekommen haben.",
    ],
    notSet: ["Noch nicht bereit", "Wer diesen Dienst betreibt, hat keine Mitteilungen für Geräte eingerichtet."],
    failed: ["Etwas ist schiefgegangen", "Es wurde nichts geändert. Bitte versuchen Sie es gleich noch einmal."],
    tooMany: ["Zu viele Versuche", "Bitte warten Sie eine Minute und versuchen Sie es dann noch einmal."],
  },
};

const es: PushWords = {
  language: "es",
  ask: "¿Recordatorios en este dispositivo?",
  hint: "Se muestran como notificaciones. Puede dejar de recibirlos cuando quiera.",
  press: "Sí, avisarme aquí",
  on: "Este dispositivo recibe los recordatorios a partir de ahora.",
  onHint: "Puede cerrar esta página.",
  stop: "Dejar de avisar aquí",
  off: "Este dispositivo ya no recibe recordatorios.",
  denied:
    "Este navegador no lo permite. Permita las notificaciones de esta página en los ajustes del navegador y abra el enlace otra vez.",
  unsupported:
    "Este navegador no puede mostrar notificaciones de una página. En un iPhone o iPad, añada primero esta página a la pantalla de inicio y ábrala desde allí.",
  failed: "No ha funcionado. Inténtelo de nuevo en un momento.",
  noScript: "Esta página necesita JavaScript: sin él, ningún navegador puede mostrar notificaciones.",
  over: {
    expired: ["Este enlace ha caducado", "Pida uno nuevo a quien se lo envió."],
    gone: ["No hay nada que recordar", "Quien le envió este enlace ya no tiene ese contacto."],
    forged: ["Este enlace no funciona", "Puede que esté cortado. Ábralo otra vez desde donde lo recibió."],
    notSet: ["Aún no está listo", "Quien gestiona este servicio no ha configurado notificaciones para dispositivos."],
    failed: ["Algo ha ido mal", "No se ha cambiado nada. Inténtelo de nuevo en un momento."],
    tooMany: ["Demasiados intentos", "Espere un minuto e inténtelo de nuevo."],
  },
};

const fr: PushWords = {
  language: "fr",
  ask: "Des rappels sur cet appareil ?",
  hint: "Ils s’affichent comme notifications. Vous pouvez y mettre fin à tout moment.",
  press: "Oui, me le rappeler ici",
  on: "Cet appareil reçoit désormais les rappels.",
  onHint: "Vous pouvez fermer cette page.",
  stop: "Arrêter sur cet appareil",
  off: "Cet appareil ne reçoit plus de rappels.",
  denied:
    "Ce navigateur ne le permet pas. Autorisez les notifications de cette page dans les réglages du navigateur, puis ouvrez de nouveau le lien.",
  unsupported:
    "Ce navigateur ne peut pas afficher les notifications d’une page. Sur un iPhone ou un iPad, ajoutez d’abord cette page à l’écran d’accueil et ouvrez-la de là.",
  failed: "Cela n’a pas marché. Veuillez réessayer dans un instant.",
  noScript: "Cette page a besoin de JavaScript : sans lui, aucun navigateur ne peut afficher de notifications.",
  over: {
    expired: ["Ce lien a expiré", "Demandez-en un nouveau à qui vous l’a envoyé."],
    gone: ["Il n’y a rien à rappeler", "Qui vous a envoyé ce lien n’a plus ce contact."],
    forged: ["Ce lien ne fonctionne pas", "Il a peut-être été coupé. Ouvrez-le de nouveau là où vous l’avez reçu."],
    notSet: ["Pas encore prêt", "Ce service n’a pas été configuré pour envoyer des notifications aux appareils."],
    failed: ["Quelque chose s’est mal passé", "Rien n’a été changé. Veuillez réessayer dans un instant."],
    tooMany: ["Trop d’essais", "Veuillez patienter une minute, puis réessayer."],
  },
};

/** The words of the first of these languages that there are words in, else English. Each is a tag like `de-AT`. */
export function pushWordsFor(...tags: (string | null | undefined)[]): PushWords {
  return firstSpoken([en, de, es, fr], tags);
}
