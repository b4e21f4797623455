/**
 * Names of people who do not exist. Each surname is a word for a thing in its language (cloud, teapot, hedgehog), so that
 * nobody takes a demo for somebody. Behind a slash stands the name in Latin letters, where it is written in others.
 */
export type Culture = {
  locale: string
  country: string
  city: string
  timeZone: string
  first: readonly string[]
  last: readonly string[]
}

const words = (text: string) => text.split(' ')

export const cultures: readonly Culture[] = [
  {
    locale: 'de-DE',
    country: 'Germany',
    city: 'Köln',
    timeZone: 'Europe/Berlin',
    first: words('Käthe Jürgen Liesel Bärbel Günter Änne'),
    last: words('Wolkenschloß Teekännchen Apfelgrün Fröschle Übermut'),
  },
  {
    locale: 'fr-FR',
    country: 'France',
    city: 'Besançon',
    timeZone: 'Europe/Paris',
    first: words('Zoé François Maëlle Jérôme Anaïs Benoît'),
    last: words('Hérisson Théière Nuageux Citronnée Lumière'),
  },
  {
    locale: 'es-ES',
    country: 'Spain',
    city: 'A Coruña',
    timeZone: 'Europe/Madrid',
    first: words('Íñigo Begoña Ramón Lucía Martín Inés'),
    last: words('Piñata Mariposa Relámpago Caracol Añil'),
  },
  {
    locale: 'pt-BR',
    country: 'Brazil',
    city: 'São Paulo',
    timeZone: 'America/Sao_Paulo',
    first: words('João Conceição Vitória Sebastião Luís Antônia'),
    last: words('Pãozinho Girassol Maçã Avião Trovão'),
  },
  {
    locale: 'pl-PL',
    country: 'Poland',
    city: 'Łódź',
    timeZone: 'Europe/Warsaw',
    first: words('Łukasz Małgorzata Zdzisław Grażyna Stanisław Żaneta'),
    last: words('Żyrafa Świerszcz Gżegżółka Pączek Źrebię'),
  },
  {
    locale: 'cs-CZ',
    country: 'Czechia',
    city: 'Plzeň',
    timeZone: 'Europe/Prague',
    first: words('Jiří Šárka Ondřej Božena Štěpán Anežka'),
    last: words('Ježek Hvězdička Měsíček Švestka Čmelák'),
  },
  {
    locale: 'nb-NO',
    country: 'Norway',
    city: 'Tromsø',
    timeZone: 'Europe/Oslo',
    first: words('Bjørn Åse Øystein Sølvi Håkon Ragnhild'),
    last: words('Nordlysø Blåbær Vårregn Isbjørnæs Multekrem'),
  },
  {
    locale: 'tr-TR',
    country: 'Türkiye',
    city: 'İzmir',
    timeZone: 'Europe/Istanbul',
    first: words('Işıl Çağla Gökhan Şule Özgür Yıldız'),
    last: words('Gökkuşağı Kelebekçi Tırtıl Çilekli Bulutsuz'),
  },
  {
    locale: 'vi-VN',
    country: 'Vietnam',
    city: 'Đà Nẵng',
    timeZone: 'Asia/Ho_Chi_Minh',
    first: words('Đức Hương Thảo Quỳnh Tuấn Nguyệt'),
    last: words('Chuồn-Chuồn Cầu-Vồng Bướm-Đêm Dưa-Hấu Sương-Mù'),
  },
  {
    locale: 'ga-IE',
    country: 'Ireland',
    city: 'Gaillimh',
    timeZone: 'Europe/Dublin',
    first: words('Séamus Gráinne Pádraig Siobhán Tomás Róisín'),
    last: words('Scamall Gealach Féileacán Tintreach Báisteach'),
  },
  {
    locale: 'en-NZ',
    country: 'New Zealand',
    city: 'Ōtautahi',
    timeZone: 'Pacific/Auckland',
    first: words('Clementine Barnaby Mārama Winifred Tāne Ottoline'),
    last: words("Teapot Marmalade O'Puddle Thistledown Quill-Feather"),
  },
  {
    locale: 'ru-RU',
    country: 'Kazakhstan',
    city: 'Алматы',
    timeZone: 'Asia/Almaty',
    first: words('Лада/Lada Тимур/Timur Зоя/Zoya Фёдор/Fyodor Ульяна/Ulyana Глеб/Gleb'),
    last: words('Одуванчик/Oduvanchik Самовар/Samovar Пингвин/Pingvin Ёжик/Yozhik Облако/Oblako'),
  },
  {
    locale: 'el-GR',
    country: 'Greece',
    city: 'Θεσσαλονίκη',
    timeZone: 'Europe/Athens',
    first: words('Ελπίδα/Elpida Οδυσσέας/Odysseas Θάλεια/Thaleia Ξένια/Xenia Φοίβος/Foivos Ρέα/Rea'),
    last: words('Πεταλούδα/Petalouda Σύννεφος/Synnefos Λεμόνης/Lemonis Καραμέλα/Karamela Βροχή/Vrochi'),
  },
  {
    locale: 'ar-EG',
    country: 'Egypt',
    city: 'القاهرة',
    timeZone: 'Africa/Cairo',
    first: words('ليلى/Layla سامي/Sami نور/Nour زيد/Zayd هالة/Hala ياسر/Yasser'),
    last: words('فراشة/Farasha قنديل/Qandil غيمة/Ghayma برتقال/Burtuqal نجمة/Najma'),
  },
  {
    locale: 'he-IL',
    country: 'Israel',
    city: 'חיפה',
    timeZone: 'Asia/Jerusalem',
    first: words('נועה/Noa איתן/Eitan תמר/Tamar גיל/Gil שירה/Shira אורי/Uri'),
    last: words('קיפוד/Kipod ענן/Anan פרפר/Parpar תפוח/Tapuach כוכבית/Kokhavit'),
  },
  {
    locale: 'hi-IN',
    country: 'India',
    city: 'जयपुर',
    timeZone: 'Asia/Kolkata',
    first: words('मीरा/Meera अर्जुन/Arjun तारा/Tara रोहन/Rohan लीला/Leela देव/Dev'),
    last: words('तितली/Titli बादल/Badal चाँदनी/Chandni मोरपंख/Morpankh जुगनू/Jugnu'),
  },
  {
    locale: 'ja-JP',
    country: 'Japan',
    city: '札幌',
    timeZone: 'Asia/Tokyo',
    first: words('さくら/Sakura 健太/Kenta 美咲/Misaki 陽斗/Haruto 千尋/Chihiro 蓮/Ren'),
    last: words('雲野/Kumono 月見餅/Tsukimimochi 星砂/Hoshizuna 狸穴/Mamiana 風鈴/Furin'),
  },
  {
    locale: 'zh-CN',
    country: 'China',
    city: '昆明',
    timeZone: 'Asia/Shanghai',
    first: words('小雨/Xiaoyu 明轩/Mingxuan 思琪/Siqi 子涵/Zihan 晓峰/Xiaofeng 乐/Le'),
    last: words('茶壶/Chahu 蝴蝶/Hudie 彩虹/Caihong 葫芦/Hulu 云朵/Yunduo'),
  },
  {
    locale: 'ko-KR',
    country: 'South Korea',
    city: '부산',
    timeZone: 'Asia/Seoul',
    first: words('하늘/Haneul 지우/Jiwoo 서연/Seoyeon 민준/Minjun 다은/Daeun 도윤/Doyun'),
    last: words('나비꽃/Nabikkot 구름/Gureum 달빛/Dalbit 고양이/Goyangi 솜사탕/Somsatang'),
  },
  {
    locale: 'sw-KE',
    country: 'Kenya',
    city: 'Mombasa',
    timeZone: 'Africa/Nairobi',
    first: words("Zawadi Juma Neema Baraka Amani Ng'endo"),
    last: words("Kipepeo Twiga Upinde Ng'ombe Nyotakali"),
  },
]

/** A made-up name with the Latin letters that its addresses are made of. */
export type Name = { first: string; last: string; mailbox: string; culture: Culture }

/** All the names there are, each once: the cultures take turns, so that any number of them is a colorful lot. */
export function listNames(): Name[] {
  const names: Name[] = []
  // Six first names and five surnames have no common divisor, so that thirty turns bring every pair up once.
  for (let turn = 0; turn < 30; turn++) {
    for (const culture of cultures) {
      const first = culture.first[turn % culture.first.length]
      const last = culture.last[turn % culture.last.length]
      if (first !== undefined && last !== undefined) names.push(nameOf(first, last, culture))
    }
  }
  return names
}

function nameOf(first: string, last: string, culture: Culture): Name {
  const [firstWritten = '', firstLatin = firstWritten] = first.split('/')
  const [lastWritten = '', lastLatin = lastWritten] = last.split('/')
  const mailbox = `${asciiOf(firstLatin)}.${asciiOf(lastLatin)}`
  return { first: firstWritten, last: lastWritten, mailbox, culture }
}

const letters: Record<string, string> = { ß: 'ss', ø: 'o', æ: 'ae', ł: 'l', đ: 'd', ı: 'i' }

function asciiOf(text: string): string {
  return text
    .toLowerCase()
    .replace(/[ßøæłđı]/g, (letter) => letters[letter] ?? '')
    .normalize('NFD')
    .replace(/[^a-z-]/g, '')
}
