package browser

import "regexp"

// The words by which fields and pages are told apart, in the languages of most
// sites. Names in code are English nearly everywhere; what people read is not.
var (
	userWords = regexp.MustCompile(`(?i)user|login|client\b|cliente|log-in|sign.?in|account|e-?mail|identifier|customer.?(id|no|number)|member|benutzer|anmelde|kunden|nutzer|konto|utilisateur|identifiant|courriel|usuario|correo|cuenta|utente|posta|usu[aá]rio|gebruiker|anv[aä]ndar|bruker|k[aä]ytt[aä]j|u[zż]ytkownik|kullan[iı]c[iı]|пользовател|логин|почта|имя|ユーザ|メール|アカウント|ログイン|用户|用戶|账号|帳號|邮箱|사용자|아이디|이메일|مستخدم|بريد|משתמש|χρήστη|ผู้ใช้|उपयोगकर्ता`)
	codeWords = regexp.MustCompile(`(?i)\botp\b|otp|totp|2fa|mfa|one.?time|two.?factor|passcode|verif(y|ication)|auth(entication|enticator)?.?(code|token)|security.?code|\bcode\b|\btoken\b|best[aä]tigungscode|sicherheitscode|einmal|pr[uü]fcode|code de|v[eé]rification|c[oó]digo|verificaci|codice|verificatie|kod\b|koodi|код|認証|確認コード|ワンタイム|验证码|驗證碼|动态码|인증|보안코드|رمز|التحقق|קוד`)
	// sureWords are of one-time codes and of nothing else; codeWords may be of a
	// customer's code too.
	sureWords = regexp.MustCompile(`(?i)otp|2fa|mfa|one.?time|(two|2).?(factor|step)|verification|passcode|authenticat(or|ion).?(code|token|app)|security.?code|best[aä]tigungscode|sicherheitscode|einmal|zwei.?faktor|pr[uü]fcode|code de (v[eé]rification|s[eé]curit[eé])|c[oó]digo de (verificaci|seguridad|un)|verificaci[oó]n|codice di verifica|verificatie|認証|確認コード|ワンタイム|验证码|驗證碼|动态码|인증번호|보안코드`)
	// placeWords are of codes that are no secret.
	placeWords = regexp.MustCompile(`(?i)zip|postal|post.?code|postleitzahl|country|dial|referral|invit|gift|voucher|gutschein|discount|area.?code|language|currency|\bvat\b`)
	passWords  = regexp.MustCompile(`(?i)passw|passphrase|\bpwd\b|\bpass\b|kennwort|passwort|mot.?de.?passe|contrase|senha|wachtwoord|l[oö]senord|passord|has[lł]o|[sş]ifre|парол|パスワード|密码|密碼|비밀번호|كلمة|סיסמ|κωδικ|รหัสผ่าน`)
	// notWords are of fields that look like one for a user name, and are none.
	notWords = regexp.MustCompile(`(?i)search|suche|buscar|recherch|cerca|pesquis|newsletter|subscribe|coupon|promo|comment|message|captcha|検索|搜索|поиск`)
	goWords  = regexp.MustCompile(`(?i)^\W*(sign.?in|log.?in|log.?on|next|continue|submit|verify|confirm|go|anmelden|einloggen|weiter|best[aä]tigen|fortfahren|connexion|se connecter|s.identifier|suivant|continuer|valider|iniciar|entrar|acceder|ingresar|siguiente|continuar|verificar|accedi|avanti|continua|inloggen|volgende|logga in|n[aä]sta|logg inn|zaloguj|dalej|giri[sş]|devam|войти|вход|далее|продолжить|ログイン|次へ|確認|サインイン|登录|登錄|登入|下一步|로그인|다음|تسجيل|دخول|التالي|כניסה|המשך)`)

	// outWords are of what one signs out by.
	outWords = regexp.MustCompile(`(?i)^\W*(sign.?out|log.?out|log.?off|abmelden|ausloggen|(se )?d[eé]connecter|d[eé]connexion|cerrar sesi[oó]n|salir|sair|terminar sess[aã]o|esci|disconnetti|uitloggen|afmelden|logga ut|logg ut|log ud|kirjaudu ulos|wyloguj|odhl[aá]sit|[cç][iı]k[iı][sş]|выйти|выход|вийти|ログアウト|サインアウト|退出|登出|注销|로그아웃|تسجيل الخروج|התנתק|αποσύνδεση|ออกจากระบบ|लॉग आउट)`)
	// otherWords are of secrets that a site keeps for somebody: mail servers', hooks',
	// databases'. Nobody signs in with those, and what is kept can be read again.
	otherWords = regexp.MustCompile(`(?i)smtp|\bimap|\bpop3|web.?hook|api.?key|secret.?key|access.?key|\bdb.?(pass|user)|pre.?shared|\bs?ftp\b`)
	otherPaths = regexp.MustCompile(`(?i)(^|[/_-])(settings?|preferences|integrations?|(web)?hooks?|einstellungen|param[eè]tres|ajustes|impostazioni)([/_.-]|$)`)

	// stepWords are of a sign-in that wants something more.
	stepWords = regexp.MustCompile(`(?i)(two|2|multi).?(factor|step)|verif(y|ication)|confirm (it.?s|that it|your identity)|(choose|select|pick) (a|an|how|another|your)\b.{0,30}(method|verif|sign|code)|(another|different|other) (way|method)|authenticator|security key|passkey|approve (the|this|your)|check your (phone|e-?mail|inbox|device)|we.?(ve)? sent|zwei.?faktor|best[aä]tigen sie|code (gesendet|geschickt)|anmeldung (best[aä]tigen|freigeben)|v[eé]rifi(ez|cation)|deux facteurs|autre m[eé]thode|verifica|dos pasos|due fattori|verificatie|tweestaps|認証|確認|验证|驗證|인증`)

	wrongWords      = regexp.MustCompile(`(?i)(incorrect|invalid|wrong|unknown|does(n.t| not) match|not recogni[sz]ed|failed|couldn.t find|try again|denied)|(falsch|ung[uü]ltig|nicht korrekt|stimm(t|en) nicht|unbekannt|fehlgeschlagen)|(incorrecte?|invalide|erron[eé]|introuvable)|(incorrect[ao]|inv[aá]lid[ao]|no coincide|err[oó]ne)|(errat[ao]|non valid)|(onjuist|ongeldig)|(felaktig|ogiltig)|(неверн|неправильн|ошибк)|(正しくありません|間違|無効)|(错误|不正确|無效|錯誤)|(올바르지|잘못)|(غير صحيح|خطأ)`)
	credentialWords = regexp.MustCompile(`(?i)credential|combination|zugangsdaten|anmeldedaten|identifiants|credencial|credenzial|gegevens|данные`)
	captchaWords    = regexp.MustCompile(`(?i)captcha|recaptcha|hcaptcha|turnstile|arkose|funcaptcha|geetest|are you (a )?(human|robot)|not a robot|kein roboter|pas un robot|no soy un robot|prove you are human|verify(ing)? (that )?you.?(are|re) (a )?human|checking (your|if the site|that your) |press (and|&amp;|&) hold|sie ein mensch sind`)
	//nolint:misspell // French
	limitWords = regexp.MustCompile(`(?i)too many (attempts|requests|tries|failed)|rate.?limit|temporarily (locked|blocked)|account (is )?locked|zu viele|gesperrt|trop de (tentatives|demandes)|demasiados|bloquead|troppi tentativi|試行回数|尝试次数过多`)
)
